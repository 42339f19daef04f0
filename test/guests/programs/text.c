/* Text and memory: the C library's functions at all lengths and alignments, numbers as text, compression, distances. */
#define _GNU_SOURCE
#include "checks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { SIZE = 8192 };

static uint64_t copies(int count) {
    static uint8_t from[SIZE], to[SIZE];
    uint64_t state = 11, sum = 0;
    for (int i = 0; i < SIZE; i++) from[i] = (uint8_t)next_random(&state);
    for (int i = 0; i < count; i++) {
        uint64_t random = next_random(&state);
        size_t size = random % 700 >> (random >> 60), at = random >> 16 & 0xfff, behind = random >> 32 & 0xfff;
        memcpy(to + at, from + behind, size);
        memmove(to + at + 3, to + at, size);
        memmove(from + behind, from + behind + 5, size);
        memset(to + behind, (int)(random >> 8 & 0xff), size / 3);
        int order = memcmp(to + at, from + at, size);
        sum = mix(sum, (uint64_t)((order > 0) - (order < 0) + 1));
        if ((i & 31) == 0) sum = mix_bytes(mix_bytes(sum, to, SIZE), from, SIZE);
    }
    return sum;
}

static uint64_t searches(int count) {
    static char text[SIZE];
    uint64_t state = 12, sum = 0;
    for (int i = 0; i < SIZE - 1; i++) text[i] = (char)('a' + next_random(&state) % 5);
    for (int i = 0; i < count; i++) {
        uint64_t random = next_random(&state);
        size_t at = random % (SIZE - 600), size = random >> 20 & 511;
        char needle[8], saved = text[at + size];
        memcpy(needle, text + (random >> 40) % (SIZE - 16), 7);
        needle[2 + (random >> 60) % 6] = 0;
        text[at + size] = 0;
        const char *found = strstr(text + at, needle), *first = strchr(text + at, 'c'), *last = strrchr(text + at, 'd');
        sum = mix(sum, found ? (uint64_t)(found - text) : 1);
        sum = mix(sum, (first ? (uint64_t)(first - text) : 1) << 20 | (last ? (uint64_t)(last - text) : 1));
        sum = mix(sum, strlen(text + at) << 24 | strspn(text + at, "abc") << 12 | strcspn(text + at, "e"));
        int order = strcmp(text + at, needle), some = strncmp(text + at, needle, random >> 50 & 7);
        sum = mix(sum, (uint64_t)((order > 0) - (order < 0) + 3 * ((some > 0) - (some < 0)) + 9));
        const char *byte = memchr(text + at, 'e', size + 20), *end = memrchr(text + at, 'b', size);
        sum = mix(sum, (byte ? (uint64_t)(byte - text) : 1) << 20 | (end ? (uint64_t)(end - text) : 1));
        text[at + size] = saved;
    }
    return sum;
}

static uint64_t printed_numbers(int count) {
    char line[400];
    uint64_t state = 13, sum = 0;
    for (int i = 0; i < count; i++) {
        uint64_t random = next_random(&state);
        double number = (random_unit(&state) - 0.5) * (double)(random >> (random & 63));
        int size =
            snprintf(line, sizeof line, "%d|%8u|%-12lld|%#llx|%o|%c|%7.3s|", (int)random, (unsigned)(random >> 20),
                     (long long)random, (unsigned long long)random, (unsigned)random, 'A' + (int)(random % 26), "text");
        size += snprintf(line + size, sizeof line - (size_t)size, "%.17g|%12.4f|%e|%a|%G", number, number, number,
                         number, number);
        sum = mix_bytes(sum, line, (size_t)size);
        int first = 0;
        long long third = 0;
        unsigned second = 0;
        sum = mix(sum, (uint64_t)sscanf(line, "%d|%u|%lld", &first, &second, &third));
        sum = mix(mix(mix(sum, (uint64_t)first), second), (uint64_t)third);
        snprintf(line, sizeof line, "%.17g %.9g %.21Lg", number, (double)(float)number, (long double)number / 3);
        char *rest;
        sum = mix_double(sum, strtod(line, &rest));
        sum = mix_float(sum, strtof(rest, &rest));
        sum = mix_double(sum, (double)strtold(rest, &rest));
        sum = mix(sum, strtoull(line, NULL, 36) ^ (uint64_t)strtol(line, NULL, 8));
    }
    return sum;
}

/* Matches within a window of 4 KiB, found by a table of the last places; taken apart again and compared. */
static uint64_t compression(int count) {
    static uint8_t plain[SIZE], packed[SIZE * 2], again[SIZE];
    static const char *const words[] = {"interrupt", "descriptor", "page",   "segment", " of the ",
                                        "table",     "gate",       " to a ", "task"};
    uint64_t state = 14, sum = 0;
    for (int i = 0; i < count; i++) {
        size_t size = 0, out = 0, back = 0;
        static int16_t last[4096];
        while (size < SIZE - 16) {
            const char *word = words[next_random(&state) % 9];
            size_t length = strlen(word);
            memcpy(plain + size, word, length);
            size += length;
        }
        memset(last, 0xff, sizeof last);
        for (size_t at = 0; at < size;) {
            uint32_t four;
            memcpy(&four, plain + at, 4);
            uint32_t slot = four * 2654435761u >> 20;
            int from = last[slot];
            size_t length = 0;
            last[slot] = (int16_t)at;
            while (from >= 0 && at + length < size && length < 255 &&
                   plain[(size_t)from + length] == plain[at + length])
                length++;
            if (length < 4) {
                packed[out++] = 0;
                packed[out++] = plain[at++];
                continue;
            }
            packed[out++] = (uint8_t)length;
            packed[out++] = (uint8_t)from;
            packed[out++] = (uint8_t)(from >> 8);
            at += length;
        }
        for (size_t in = 0, at = 0; in < out;) {
            uint8_t length = packed[in++];
            if (length == 0) again[at++] = packed[in++];
            else
                for (size_t from = packed[in] | packed[in + 1] << 8, k = 0; k < length; k++)
                    again[at++] = again[from + k];
            if (length != 0) in += 2;
            back = at;
        }
        sum = mix_bytes(mix(sum, out), packed, out);
        sum = mix(sum, (uint64_t)(back == size && memcmp(plain, again, size) == 0));
    }
    return sum;
}

static uint64_t distances(int count) {
    uint64_t state = 15, sum = 0;
    for (int n = 0; n < count; n++) {
        enum { LONGEST = 60 };
        char left[LONGEST], right[LONGEST];
        int row[LONGEST + 1];
        for (int i = 0; i < LONGEST; i++)
            left[i] = (char)('a' + next_random(&state) % 4), right[i] = (char)('a' + next_random(&state) % 4);
        for (int j = 0; j <= LONGEST; j++) row[j] = j;
        for (int i = 0; i < LONGEST; i++) {
            int corner = row[0];
            row[0] = i + 1;
            for (int j = 0; j < LONGEST; j++) {
                int changed = corner + (left[i] != right[j]),
                    shorter = row[j + 1] < row[j] ? row[j + 1] + 1 : row[j] + 1;
                corner = row[j + 1];
                row[j + 1] = changed < shorter ? changed : shorter;
            }
        }
        sum = mix(sum, (uint64_t)row[LONGEST]);
    }
    return sum;
}

static uint64_t characters(void) {
    wchar_t wide[256];
    char text[256];
    uint64_t sum = 0;
    for (int c = 0; c < 255; c++) {
        int kinds = (isalpha(c) != 0) + 2 * (isdigit(c) != 0) + 4 * (ispunct(c) != 0);
        kinds += 8 * (isspace(c) != 0) + 16 * (isxdigit(c) != 0) + 32 * (iscntrl(c) != 0);
        sum = mix(sum, (uint64_t)(kinds << 16 | toupper(c) << 8 | tolower(c)));
        text[c] = (char)(c % 100 + 28), wide[c] = (wchar_t)(c * 257 % 1000 + 1);
    }
    text[255] = 0, wide[255] = 0;
    sum = mix(sum, wcslen(wide) << 16 | (uint64_t)(wcschr(wide, wide[77]) - wide));
    for (char *rest = text, *word; (word = strtok_r(NULL, "AZaz09", &rest)) != NULL;)
        sum = mix_bytes(sum, word, strlen(word));
    return sum;
}

void check_text(void) {
    report("copies", copies(400 * rounds));
    report("searches", searches(300 * rounds));
    report("printed numbers", printed_numbers(60 * rounds));
    report("compression", compression(3 * rounds));
    report("distances", distances(15 * rounds));
    report("characters", characters());
}
