/* Sorting and searching: what branches, follows pointers and calls through them. */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 3000 };

static int32_t numbers[COUNT], sorted[COUNT];

static uint64_t sum_of(const int32_t *array) { return mix_bytes(14695981039346656037u, array, COUNT * sizeof *array); }

static int compare(const void *left, const void *right) {
    int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    return (a > b) - (a < b);
}

static void quick(int32_t *array, int low, int high) {
    while (low < high) {
        int32_t pivot = array[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (array[i] < pivot) i++;
            while (array[j] > pivot) j--;
            if (i > j) break;
            int32_t other = array[i];
            array[i++] = array[j];
            array[j--] = other;
        }
        if (j - low < high - i) quick(array, low, j), low = i;
        else quick(array, i, high), high = j;
    }
}

static void heap(int32_t *array, int count) {
    for (int start = count / 2 - 1, end = count; end > 1;) {
        int root = start;
        if (start >= 0) start--;
        else {
            int32_t top = array[0];
            array[0] = array[--end];
            array[end] = top;
            root = 0;
        }
        for (int child; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end && array[child] < array[child + 1]) child++;
            if (array[root] >= array[child]) break;
            int32_t other = array[root];
            array[root] = array[child];
            array[child] = other;
        }
    }
}

static void radix(int32_t *array, int count) {
    static int32_t other[COUNT];
    for (int shift = 0; shift < 32; shift += 8) {
        int starts[257] = {0};
        for (int i = 0; i < count; i++) starts[((uint32_t)array[i] ^ 0x80000000u) >> shift & 0xff]++;
        for (int i = 0, at = 0; i < 256; i++) {
            int size = starts[i];
            starts[i] = at;
            at += size;
        }
        for (int i = 0; i < count; i++) other[starts[((uint32_t)array[i] ^ 0x80000000u) >> shift & 0xff]++] = array[i];
        memcpy(array, other, (size_t)count * sizeof *array);
    }
}

/* A tree whose nodes carry random priorities (a treap), in an array instead of the heap. */
struct node {
    int32_t key;
    uint32_t priority;
    struct node *less, *more;
};

static struct node *insert(struct node *tree, struct node *added) {
    if (tree == NULL) return added;
    if (added->key < tree->key) {
        struct node *child = tree->less = insert(tree->less, added);
        if (child->priority <= tree->priority) return tree;
        tree->less = child->more;
        child->more = tree;
        return child;
    }
    struct node *child = tree->more = insert(tree->more, added);
    if (child->priority <= tree->priority) return tree;
    tree->more = child->less;
    child->less = tree;
    return child;
}

static uint64_t walk(const struct node *tree, int depth, uint64_t sum) {
    if (tree == NULL) return mix(sum, (uint64_t)depth);
    return walk(tree->more, depth + 1, mix(walk(tree->less, depth + 1, sum), (uint64_t)tree->key));
}

static uint64_t tree(uint64_t *state) {
    static struct node nodes[COUNT];
    struct node *root = NULL;
    for (int i = 0; i < COUNT; i++) {
        nodes[i] = (struct node){numbers[i], (uint32_t)next_random(state), NULL, NULL};
        root = insert(root, &nodes[i]);
    }
    return walk(root, 0, 0);
}

/* Words counted in a table with open addresses, and the blocks that malloc gives in between. */
static uint64_t table(uint64_t *state) {
    enum { SLOTS = 4096 };
    struct entry {
        uint64_t count;
        char word[16];
    } **slots = calloc(SLOTS, sizeof *slots);
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++) {
        char word[16] = "";
        uint64_t random = next_random(state);
        for (uint64_t k = 0; k < 2 + random % 3; k++) word[k] = (char)('a' + (random >> (8 * k + 8)) % 6);
        size_t slot = mix_bytes(14695981039346656037u, word, strlen(word)) % SLOTS;
        while (slots[slot] != NULL && strcmp(slots[slot]->word, word) != 0) slot = (slot + 1) % SLOTS;
        if (slots[slot] == NULL) {
            slots[slot] = calloc(1, sizeof **slots);
            strcpy(slots[slot]->word, word);
        }
        slots[slot]->count += random >> 60;
    }
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i] != NULL) sum = mix(mix_bytes(sum, slots[i]->word, 16), slots[i]->count + (uint64_t)i);
        free(slots[i]);
    }
    free(slots);
    return sum;
}

void check_sorting(void) {
    uint64_t state = 21, sums[6] = {0};
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < COUNT; i++) numbers[i] = (int32_t)next_random(&state) >> (i % 20);
#define SORTED_BY(call) (memcpy(sorted, numbers, sizeof sorted), call, sum_of(sorted))
        sums[0] = mix(sums[0], SORTED_BY(qsort(sorted, COUNT, sizeof *sorted, compare)));
        sums[1] = mix(sums[1], SORTED_BY(quick(sorted, 0, COUNT - 1)));
        sums[2] = mix(sums[2], SORTED_BY(heap(sorted, COUNT)));
        sums[3] = mix(sums[3], SORTED_BY(radix(sorted, COUNT)));
        sums[4] = mix(sums[4], tree(&state));
        sums[5] = mix(sums[5], table(&state));
    }
    static const char *const names[] = {"qsort", "quicksort", "heapsort", "radix sort", "tree", "table"};
    for (int i = 0; i < 6; i++) report(names[i], sums[i]);
}
