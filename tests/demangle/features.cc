/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features of C++ whose mangled names are rare in libraries; tests/demangle.t compiles this
 * with every C++ compiler it finds (-std=c++20) and compares all symbols with c++filt. Not
 * meant to be run, nor to be read for its sense.
 */
#include <compare>
#include <new>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>
#include <cstdint>
#include <initializer_list>
template<class... T> __attribute__((used)) void use(T&&...) {}
#define KEEP __attribute__((used, noinline))
// lambdas
auto g1 = [](auto x, auto&... y) { return sizeof...(y) + sizeof(x); };
auto g2 = []<class T, int N, template<class> class C, class... U>(T (&)[N], C<T>*, U...) { return N; };
template<class T> struct V {};
KEEP void lambdas() { int a[3]; V<int> v; long l=0; char c=0; use(g1(1, l, c), g2(a, &v, 1, 'c')); auto in = [&](int q) { return [=](auto z) { return z + q + l; }; }; use(in(3)(4.0)); }
inline int dm = [](int x) { return x; }(3);
struct DM { int m = [](int x) { return x + 1; }(4); inline static int s = [] { return 5; }(); void f(int a = [] { static int k; return ++k; }()) { use(a); } };
KEEP int usedm() { DM d; d.f(); return d.m + DM::s + dm; }
// sfinae & expressions
template<class T> struct X { static int v; template<class U> static U t(U); struct I { static int w; }; typedef T type; T m; T* operator->(); T operator[](int); };
template<bool B, class T = void> struct en {}; template<class T> struct en<true, T> { typedef T type; };
template<class... T> KEEP auto s1(T...) -> typename en<(sizeof...(T) > 1), int>::type { return 1; }
template<class... T> KEEP auto s2(T... t) -> decltype((t + ...)) { return (t + ...); }
template<class... T> KEEP auto s3(T... t) -> decltype((0 + ... + t)) { return (0 + ... + t); }
template<class... T> KEEP auto s4(T... t) -> decltype((... && t)) { return (... && t); }
template<class... T> KEEP auto s5(T... t) -> decltype((t * ... * 1)) { return (t * ... * 1); }
template<class T> KEEP auto s6(T t) -> decltype(X<T>::template t<T>(t)) { return t; }
template<class T> KEEP auto s7(T t, X<T> x) -> decltype(x.m + x[2] + *&t) { return t; }
template<class T> KEEP auto s8(T t) -> decltype(static_cast<long>(t) ? sizeof(T) : sizeof t) { return 1; }
template<class T> KEEP auto s9(T t) -> decltype(T{t}, T(t), (T)t, -t, ~t, !t, t) { return t; }
template<class T> KEEP auto s10(T t) -> decltype(new T(t)) { return nullptr; }
template<class T> KEEP auto s11(T t) -> decltype(new (&t) T[3]{1,2}) { return nullptr; }
template<class T> KEEP auto s12(T* t) -> decltype(delete t, ::delete[] t) { }
template<class T> KEEP auto s13(T t) -> decltype(t++, ++t, t--, --t, t) { return t; }
template<class T> KEEP auto s14(T t) -> decltype(const_cast<T&>(t), reinterpret_cast<char&>(t), t) { return t; }
template<class T> KEEP auto s15(T t) noexcept(noexcept(t + 1)) -> decltype(t <=> t) { return t <=> t; }
template<class T> KEEP auto s16(T t) -> decltype(alignof(T), t == t, t != t, t < t, t > t, t <= t, t >= t, t << 1, t >> 1, t % 2, t ^ t, t | t, t & t, t || t) { return true; }
template<class T> KEEP auto s17(T t) -> decltype(t = t, t += t, t -= t, t *= t, t /= t, t %= t, t ^= t, t |= t, t &= t, t <<= t, t >>= t) { return t; }
template<class T, class M> KEEP auto s18(T t, T* p, M m) -> decltype(t.*m, p->*m, p->*m) { return t.*m; }
template<class T> KEEP auto s19(T t) -> decltype(t.~T()) { }
template<class T> KEEP auto s20(T t) -> decltype(t ? throw 1 : t) { return t; }
template<class T> KEEP void s21(char (*)[sizeof(T) + 1], T) {}
template<class T> KEEP auto s22(T t) -> decltype(t.operator->()) { return 0; }
template<class F> KEEP auto s23(F f) -> decltype(f(1, 'c', 2.5, 2.5f, nullptr, true, 5ul, L'x', u'x', -3)) { return f(1,'c',2.5,2.5f,nullptr,true,5ul,L'x',u'x',-3); }
template<class T> KEEP auto s24(T t) -> decltype(X<T>::v + X<T>::I::w + sizeof(typename X<T>::type)) { return 1; }
struct FF { int operator()(int, char, double, float, std::nullptr_t, bool, unsigned long, wchar_t, char16_t, int) { return 0; } };
struct P { int a; P* operator->() { return this; } };
KEEP void exprs() { s1(1, 2); s2(1, 2L); s3(1, 2L); s4(true, false); s5(1,2); s6(3); s7(1, X<int>()); s8(1); s9(1); s10(1); s11(1); int* p=0; s12(p); s13(1); s14(1); s15(1); s16(1); s17(1); P pp; s18(pp, &pp, &P::a); s19(pp); s20(1); s21<int>(0, 1); s22(X<int>()); s23(FF()); }
KEEP void exprs2() { s24(1);}
// types
KEEP void t1(int (*)(int (*)[3], void (&)(int&&), int P::*, int (P::*)() const &, void (P::*)() volatile &&)) {}
KEEP void t2(int (&)[2][3], const int (&)[4], int (*const)(), int (*(*)(int))(char), void (**)(int) noexcept) {}
KEEP void t3(__int128, unsigned __int128, long double, char8_t, char16_t, char32_t, wchar_t, std::nullptr_t, __float128) {}
typedef float v4 __attribute__((vector_size(16))); KEEP void t4(v4, v4*, float _Complex, const volatile int* __restrict const) {}
template<class T> KEEP void t5(T) {} template<class T> KEEP void t5b(T*) {} template<class T> KEEP void t5c() {}
template<template<class...> class C, class... T> KEEP void t6(C<T...>) {}
template<auto... V> KEEP void t7() {}
struct NT { int a; int* p; bool operator==(const NT&) const = default; }; enum class E1 : char { a = 65 }; enum E2 { b2 = 3 };
int gi; void gf(int); int gf2(int, char); union UU { int i; float f; };
template<NT n> struct NTS {}; template<UU u> struct UTS {};
template<int& R, int* Q, void (*F)(int), int P::* M, int (P::*MF)()> KEEP void t8() {}
struct P2 { int x; int mf() { return 1; } }; template<int (P2::*MF)(), int P2::*M> KEEP void t9() {}
KEEP void types() { t5(static_cast<void(*)(int)>(nullptr)); t5b<void()>(0); t5b<void() noexcept>(0); t5c<void() const>(); t5c<void() const & noexcept>(); t5c<int[3]>(); t5c<int P::*>(); t5(NTS<NT{1, nullptr}>()); t6(std::tuple<int, char>()); t7<1, 'c', true, 5ul, E1::a, b2, nullptr, &gi, gf, &P2::x, &P2::mf>(); t9<&P2::mf, &P2::x>(); t5(UTS<UU{.f = 1}>()); t7<-1, NT{2, &gi}, static_cast<int*>(nullptr)>(); t7<>(); }
// members
struct Mem { operator int(); typedef void (*fpt)(int); operator fpt(); template<class T> operator T*(); template<class T> operator V<T>(); explicit operator bool() const; void f() &; void f() const&; void f() &&; void f2() volatile; template<class T> void g() const; Mem(); ~Mem(); template<class T> Mem(T); int operator[](int); Mem& operator=(Mem&&); auto operator<=>(const Mem&) const = default; void operator()(int) const; void* operator new(size_t); void operator delete(void*); Mem operator++(); Mem operator++(int); Mem* operator->(); int operator->*(int); int operator,(int); int operator!(); int operator~(); };
KEEP void mem(Mem& m, const Mem& c) { (void)(int)m; use((void(*)(int))m, (char*)m, (V<int>)m, (bool)c); m.f(); c.f(); static_cast<Mem&&>(m).f(); m.g<int>(); Mem x; Mem y(3); m[1]; m = Mem(); c(1); delete new Mem; ++m; m++; m.operator->(); m->*3; (m,3); !m; ~m; }
KEEP int operator""_km(long double) { return 1; } KEEP int operator""_s(const char*, size_t) { return 1; } template<char... C> KEEP int operator""_t() { return 1; }
KEEP void lit() { 1.5_km; "x"_s; 12_t; }
struct __attribute__((abi_tag("v1", "v2"))) Tag { void f(); Tag(); }; KEEP Tag tagf() { Tag t; t.f(); return t; } __attribute__((abi_tag("x"))) KEEP void tagg() {}
namespace { struct An { KEEP void f() {} struct { KEEP void q() {} } u; enum { z } e; }; KEEP void anf(An a) { a.f(); a.u.q(); t5(a.e); } } 
KEEP void an() { anf(An()); struct L { L() { static int k = gi; use(k); struct LL { KEEP void h() {} }; LL().h(); } ~L() { auto l = [] {}; use(l); } }; L l; { struct L2 { KEEP void m() {} }; L2().m(); } { struct L2 { KEEP void m() {} }; L2().m(); } struct { KEEP void nn() {} } un; un.nn(); use("str"); t5(un); }
namespace sb { auto [aa, bb] = std::pair<int, int>{1, 2}; static auto [cc] = P{3}; } KEEP int sbf() { static auto [k1, k2] = std::pair{gi, gi}; return sb::aa + sb::cc + k1 + k2; }
// thunks
struct B1 { virtual void f(); virtual B1* c(); virtual ~B1(); int x; }; struct B2 { virtual void g(); virtual B2* d(); virtual ~B2(); }; struct VB : virtual B1 { void f() override; VB* c() override; }; struct D3 : B2, VB { void f() override; void g() override; D3* c() override; D3* d() override; ~D3(); };
void D3::f() {} void D3::g() {} D3* D3::c() { return this; } D3* D3::d() { return this; } D3::~D3() {} void VB::f() {} VB* VB::c() { return this; }
thread_local int tl = gi; extern thread_local X<int> tlx; KEEP int tlf() { return tl + tlx.m; }
const int& rt = 5; struct RT { int&& r; }; const RT rts{gi + 1}; static const int (&rta)[2] = {1, 2}; KEEP int rtf() { static const int& loc = gi + 1; return loc + rta[0] + rt; }
inline int gv = gi; template<class T> int vt = gi; KEEP int gvf() { return gv + vt<int> + vt<V<int>>; }
// concepts
template<class T> concept Cc = requires(T t) { t + 1; }; template<Cc T> KEEP void c1(T) {} template<class T> requires Cc<T> && (sizeof(T) > 1) KEEP void c2(T) {} template<class T> KEEP void c3(T) requires Cc<T> {} KEEP void c4(Cc auto) {} 
template<class T> struct CF { friend void fr(CF) requires Cc<T> {} void m() requires Cc<T> {} };
KEEP void con() { c1(1); c2(1); c3(1); c4(1); fr(CF<int>()); CF<int>().m(); }
struct Inh : Mem { using Mem::Mem; template<class T> struct TI : T { using T::T; }; }; struct Ib { Ib(int); template<class T> Ib(T, int); }; struct Id : Ib { using Ib::Ib; }; KEEP void inh() { Id a(1); Id b('c', 2); use(a, b); }
template<class... A> struct Pk { template<class... B> KEEP static void f(std::pair<A, B>...) {} template<class... B> KEEP static void g(void (*...p)(A, B)) {} }; KEEP void pk() { Pk<int, char>::f<long, float>({}, {}); Pk<>::f<>(); Pk<int, char>::g<int, char>((void (*)(int, int))0, (void (*)(char, char))0); }
template<class R, class... A> KEEP void fp(R (*)(A...), A&&...) {} KEEP void fpu() { fp(gf2, 1, 'c'); } template<class T, class... A> KEEP void ff(T (A::*...p)()) {} 
extern "C" { typedef void cfn(int); } KEEP void ec(cfn*) {} 
// names that can be read in two ways, folds, arrays, discriminators
struct Gx {}; template<class T> struct Vx { T a[2]; }; template<class T, class U> struct Spl { template<class V> KEEP operator V() const { return V(); } template<template<class> class C, class X> KEEP operator C<X>() { return {}; } template<class X> KEEP operator X*() { return 0; } };
namespace cvn { struct B {}; template<class T> struct G {}; struct Q { template<class T = B, class U = G<B>> KEEP operator B() { return {}; } template<class T> KEEP operator T() { return {}; } template<class T> KEEP operator G<G<T>>() { return {}; } KEEP operator G<B>() { return {}; } }; }
KEEP void cvs(Spl<Gx, int> s, const Spl<Gx, int>& k, cvn::Q q) { (void)(Vx<int>)s; (void)(Vx<Vx<Gx>>)k; (void)(int*)s; q.operator cvn::B(); q.operator cvn::G<cvn::G<cvn::B>>(); q.operator cvn::G<cvn::B>(); q.operator Vx<cvn::B>(); }
struct Gb { template<class T> Gb(T*, Gb*, T**); Gb(int); }; struct Gd : Gb { using Gb::Gb; int k = 1; }; KEEP void inh2() { Gd a((Gd*)0, (Gb*)0, (Gd**)0), b((int*)0, (Gb*)0, (int**)0), c(1); use(a, b, c); }
template<int... N> struct Ints {};
#define FOLDS(name, op) template<int... N> KEEP Ints<(int)(... op N)> fl##name() { return {}; } template<int... N> KEEP Ints<(int)(N op ...)> fr##name() { return {}; } template<int... N> KEEP Ints<(int)(1 op ... op N)> fL##name() { return {}; } template<class... T> KEEP Ints<(int)(sizeof(T) op ... op 1)> fR##name(T...) { return {}; } KEEP void folds##name() { fl##name<7, 3, 2>(); fr##name<9>(); fL##name<1, 1>(); fL##name<>(); fR##name(1, 'c', Gx()); fR##name(); }
FOLDS(pl, +) FOLDS(mi, -) FOLDS(ml, *) FOLDS(an, &) FOLDS(or, |) FOLDS(eo, ^) FOLDS(aa, &&) FOLDS(oo, ||) FOLDS(eq, ==) FOLDS(ne, !=) FOLDS(lt, <) FOLDS(le, <=) FOLDS(ge, >=) FOLDS(rs, >>)
template<class... T> struct Nest { template<class... U> KEEP static Ints<(0 + ... + int(sizeof(T) + sizeof...(U)))> f(std::pair<T, U>...) { return {}; } template<class... U> KEEP static std::tuple<Ints<(0 + ... + int(sizeof(T))), int(sizeof(U))>...> g(U...) { return {}; } }; KEEP void nest() { Nest<int, char>::f<long, short>({}, {}); Nest<>::f<>(); Nest<int, char>::g(1, 'c', 2.0); }
template<class T> KEEP void carr(const T (&)[9], volatile T*) {} template<class T> KEEP void carr2(const T*, volatile T&, Vx<const T>*, const T Vx<T>::*) {} KEEP void carrs() { typedef const int ci[6]; typedef int ii[6]; carr<ci>(*(const ci(*)[9])0, 0); carr2<ci>(0, *(ci volatile*)0, 0, 0); carr2<ii>(0, *(ii volatile*)0, 0, 0); t5c<Tag[3]>(); t5c<Vx<Tag[3][2]>>(); }
#define LOCALS(n) { struct L { KEEP int g(Gx, int) { return n; } KEEP L(Gx) {} }; static int s; L l((Gx())); s += l.g(Gx(), n); auto z = [](L, Gx) { return n; }; s += z(l, Gx()); use(s); }
KEEP void locals() { LOCALS(0) LOCALS(1) LOCALS(2) LOCALS(3) LOCALS(4) LOCALS(5) LOCALS(6) LOCALS(7) LOCALS(8) LOCALS(9) LOCALS(10) LOCALS(11) LOCALS(12) LOCALS(13) }
