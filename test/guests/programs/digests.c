/* Digests and ciphers: SHA-256 (FIPS 180-4), ChaCha20 (RFC 8439), SipHash-2-4, CRC-32 and Adler-32. */
#include "checks.h"

#include <string.h>

static uint32_t rotate32(uint32_t x, int by) { return x >> by | x << (32 - by); }
static uint64_t rotate64(uint64_t x, int by) { return x << by | x >> (64 - by); }

/* The constants are roots of primes; here they come from whole numbers alone: floor(2^32 × frac(p^(1/n))). */
static uint32_t fraction_of_root(uint32_t prime, int n) {
    uint64_t low = 0, high = UINT64_C(1) << 36;
    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;
        /* middle^n ≤ prime × 2^(32n), in words of 32 bits. */
        uint32_t product[8] = {(uint32_t)middle, (uint32_t)(middle >> 32)};
        for (int i = 1; i < n; i++) {
            uint32_t next[8] = {0};
            for (int a = 0; a < 6; a++) {
                uint64_t carry = 0;
                for (int b = 0; b < 2; b++) {
                    carry += (uint64_t)product[a] * (b ? (uint32_t)(middle >> 32) : (uint32_t)middle) + next[a + b];
                    next[a + b] = (uint32_t)carry;
                    carry >>= 32;
                }
                next[a + 2] += (uint32_t)carry;
            }
            memcpy(product, next, sizeof product);
        }
        uint64_t top = product[n] | (uint64_t)product[n + 1] << 32;
        if (top < prime) low = middle;
        else high = middle;
    }
    return (uint32_t)low;
}

static uint32_t constants[64], first_state[8];

static void make_constants(void) {
    int count = 0;
    for (uint32_t n = 2; count < 64; n++) {
        int is_prime = 1;
        for (uint32_t d = 2; d * d <= n; d++) is_prime &= n % d != 0;
        if (!is_prime) continue;
        if (count < 8) first_state[count] = fraction_of_root(n, 2);
        constants[count++] = fraction_of_root(n, 3);
    }
}

static void sha256_block(uint32_t *state, const uint8_t *block) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        uint32_t word;
        memcpy(&word, block + 4 * i, 4);
        w[i] = __builtin_bswap32(word);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate32(a, 7) ^ rotate32(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate32(b, 17) ^ rotate32(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t one = s[7] + (rotate32(e, 6) ^ rotate32(e, 11) ^ rotate32(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                       constants[i] + w[i];
        uint32_t two = (rotate32(a, 2) ^ rotate32(a, 13) ^ rotate32(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

static uint64_t sha256(const uint8_t *bytes, size_t size) {
    uint32_t state[8];
    uint8_t last[128] = {0};
    size_t whole = size / 64 * 64, rest = size - whole, end = rest < 56 ? 64 : 128;
    memcpy(state, first_state, sizeof state);
    for (size_t at = 0; at < whole; at += 64) sha256_block(state, bytes + at);
    memcpy(last, bytes + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) last[end - 1 - (size_t)i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
    for (size_t at = 0; at < end; at += 64) sha256_block(state, last + at);
    return (uint64_t)state[0] << 32 | state[1];
}

static void quarter(uint32_t *s, int a, int b, int c, int d) {
    s[a] += s[b], s[d] = rotate32(s[d] ^ s[a], 16);
    s[c] += s[d], s[b] = rotate32(s[b] ^ s[c], 20);
    s[a] += s[b], s[d] = rotate32(s[d] ^ s[a], 24);
    s[c] += s[d], s[b] = rotate32(s[b] ^ s[c], 25);
}

static uint64_t chacha20(uint8_t *bytes, size_t size) {
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int i = 4; i < 16; i++) start[i] = (uint32_t)i * 0x01010101u;
    for (size_t at = 0; at + 64 <= size; at += 64, start[12]++) {
        uint32_t s[16];
        memcpy(s, start, sizeof s);
        for (int i = 0; i < 10; i++) {
            for (int k = 0; k < 4; k++) quarter(s, k, 4 + k, 8 + k, 12 + k);
            for (int k = 0; k < 4; k++) quarter(s, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
        }
        for (int i = 0; i < 16; i++) s[i] += start[i];
        for (int i = 0; i < 64; i++) bytes[at + (size_t)i] ^= ((uint8_t *)s)[i];
    }
    return mix_bytes(14695981039346656037u, bytes, size);
}

static void sip_round(uint64_t *v) {
    v[0] += v[1], v[2] += v[3], v[1] = rotate64(v[1], 13) ^ v[0], v[3] = rotate64(v[3], 16) ^ v[2];
    v[0] = rotate64(v[0], 32), v[2] += v[1], v[0] += v[3];
    v[1] = rotate64(v[1], 17) ^ v[2], v[3] = rotate64(v[3], 21) ^ v[0], v[2] = rotate64(v[2], 32);
}

static uint64_t siphash(const uint8_t *bytes, size_t size) {
    uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573};
    for (size_t at = 0; at <= size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, at + 8 <= size ? 8 : size - at);
        if (at + 8 > size) word |= (uint64_t)size << 56;
        v[3] ^= word;
        sip_round(v), sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t crc32(const uint8_t *bytes, size_t size) {
    static uint32_t of_byte[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        of_byte[i] = crc;
    }
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) crc = crc >> 8 ^ of_byte[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static uint32_t adler32(const uint8_t *bytes, size_t size) {
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < size; i++) low = (low + bytes[i]) % 65521, high = (high + low) % 65521;
    return high << 16 | low;
}

void check_digests(void) {
    static uint8_t bytes[4096];
    uint64_t state = 31, sums[5] = {0};
    make_constants();
    for (int round = 0; round < rounds; round++) {
        size_t size = 3000 + next_random(&state) % 1000;
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)next_random(&state);
        sums[0] = mix(sums[0], sha256(bytes, size));
        sums[1] = mix(sums[1], chacha20(bytes, size));
        sums[2] = mix(sums[2], siphash(bytes, size));
        sums[3] = mix(sums[3], crc32(bytes, size));
        sums[4] = mix(sums[4], adler32(bytes, size));
    }
    report("SHA-256 of abc", sha256((const uint8_t *)"abc", 3));
    static const char *const names[] = {"SHA-256", "ChaCha20", "SipHash", "CRC-32", "Adler-32"};
    for (int i = 0; i < 5; i++) report(names[i], sums[i]);
}
