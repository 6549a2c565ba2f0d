/* SPDX-License-Identifier: GPL-2.0-only */
/* Unpacks packed records: see pack.h. */
#include "pack.h"

#include "compress.h"
#include "table/layout.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES	4096u		/* blocks of zeros are not written, so that they take no memory */

struct unpacker {
	int fd;				/* the packed record */
	struct pack *to;
	struct pack_header head;
	uint64_t ends[PACK_SEEN + 1];	/* by enum pack_kind: where the last piece ends */
	struct compress_work work;
	uint8_t packed[COMPRESS_ROOM_BYTES];
	uint8_t raw[COMPRESS_PIECE_BYTES];
};

static enum pack_status take(int fd, void *to, size_t n)
{
	char *at = to;

	while (n) {
		ssize_t got = read(fd, at, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? PACK_CANNOT : PACK_TRUNCATED;
		at += got;
		n -= (size_t)got;
	}
	return PACK_OK;
}

/* Reads the header, and makes the file in memory. */
static enum pack_status begin(struct unpacker *u)
{
	enum pack_status status = take(u->fd, &u->head, sizeof(u->head));
	struct table_header most;

	if (status == PACK_CANNOT)
		return status;
	if (memcmp(u->head.magic, PACK_MAGIC, sizeof(u->head.magic)))
		return PACK_NONE;
	if (status != PACK_OK)
		return status;
	if (u->head.version != PACK_VERSION)
		return PACK_OTHER_VERSION;
	layout_header(&most, TABLE_LOG2_MOST);
	if (u->head.record_bytes > most.size_bytes + PACK_TAIL_MOST || u->head.names_bytes > PACK_NAMES_MOST)
		return PACK_DAMAGED;
	u->to->moment_ns = u->head.moment_ns;
	u->to->flags = u->head.flags;
	u->to->names_bytes = (size_t)u->head.names_bytes;
	if (u->head.names_bytes)
		u->to->names = calloc(1, u->to->names_bytes);
	if (u->head.names_bytes && !u->to->names)
		return PACK_CANNOT;
	u->to->fd = memfd_create("heaptrace-unpacked", MFD_CLOEXEC);
	return u->to->fd < 0 || ftruncate(u->to->fd, (off_t)u->head.record_bytes) ? PACK_CANNOT : PACK_OK;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static enum pack_status put_blocks(const struct unpacker *u, const struct pack_piece *p)
{
	for (size_t at = 0; at < p->bytes; at += BLOCK_BYTES) {
		size_t n = p->bytes - at < BLOCK_BYTES ? p->bytes - at : BLOCK_BYTES;

		if (is_zero(u->raw + at, n))
			continue;
		if (p->kind == PACK_NAMES)
			memcpy((char *)u->to->names + p->offset + at, u->raw + at, n);
		else if (pwrite(u->to->fd, u->raw + at, n, (off_t)(p->offset + at)) != (ssize_t)n)
			return PACK_CANNOT;
	}
	return PACK_OK;
}

/* Whether a piece lies behind those before it, and within the size of its kind. */
static bool is_in_place(const struct unpacker *u, const struct pack_piece *p)
{
	const uint64_t ends[] = {
		[PACK_RECORD] = u->head.record_bytes, [PACK_NAMES] = u->head.names_bytes,
		[PACK_SEEN] = sizeof(u->to->seen),
	};
	uint64_t end;

	if (p->kind >= sizeof(ends) / sizeof(ends[0]))
		return false;
	end = ends[p->kind];
	return p->bytes && p->bytes <= COMPRESS_PIECE_BYTES &&
	       p->packed_bytes <= COMPRESS_ROOM_BYTES &&
	       p->offset >= u->ends[p->kind] && p->offset <= end && p->bytes <= end - p->offset;
}

static enum pack_status take_piece(struct unpacker *u, const struct pack_piece *p)
{
	enum pack_status status;

	if (!is_in_place(u, p))
		return PACK_DAMAGED;
	u->ends[p->kind] = p->offset + p->bytes;
	status = take(u->fd, u->packed, p->packed_bytes);
	if (status != PACK_OK)
		return status;
	if (!compress_expand(u->packed, p->packed_bytes, u->raw, p->bytes, p->each, &u->work) ||
	    pack_check(u->raw, p->bytes) != p->check)
		return PACK_DAMAGED;
	if (p->kind != PACK_SEEN)
		return put_blocks(u, p);
	if (p->offset)
		return PACK_DAMAGED;
	memcpy(&u->to->seen, u->raw, p->bytes);
	u->to->has_seen = true;
	return PACK_OK;
}

static enum pack_status unpack(struct unpacker *u)
{
	enum pack_status status = begin(u);
	struct pack_piece piece = { .kind = PACK_RECORD };

	while (status == PACK_OK) {
		status = take(u->fd, &piece, sizeof(piece));
		if (status == PACK_OK && piece.kind == PACK_END)
			break;
		if (status == PACK_OK)
			status = take_piece(u, &piece);
	}
	return status;
}

enum pack_status pack_read(int fd, struct pack *pack)
{
	struct unpacker *u = malloc(sizeof(*u));
	enum pack_status status = PACK_CANNOT;
	void (*before)(int);
	int error;

	*pack = (struct pack){ .fd = -1 };
	if (!u)
		return status;
	u->fd = fd;
	u->to = pack;
	memset(u->ends, 0, sizeof(u->ends));
	if (lseek(fd, 0, SEEK_SET))
		errno = ESPIPE;
	else {
		/* A limit on the size of files holds for a file in memory, too, and would send this signal. */
		before = signal(SIGXFSZ, SIG_IGN);
		status = unpack(u);
		signal(SIGXFSZ, before);
	}
	error = errno;
	free(u);
	if (status != PACK_OK) {
		free(pack->names);
		if (pack->fd >= 0)
			close(pack->fd);
		*pack = (struct pack){ .fd = -1 };
	}
	errno = error;
	return status;
}
