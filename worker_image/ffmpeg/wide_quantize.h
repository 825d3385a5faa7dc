/*
 * What takehiro.c does line by line, done eight lines at a time by processors with AVX2. The results are the same to
 * the last bit: the same operations in the same precision, and sums of whole numbers.
 */
#include <immintrin.h>

/* A mask whose first `lanes` of eight are set, from 0 to 8. */
static __m256i
first_lanes(int lanes)
{
    static const int32_t edge[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    return _mm256_loadu_si256((const __m256i *) (edge + 8 - lanes));
}

/* Four lines as doubles: adds the magic, then the adjustment, and rounds to float, in this order. */
static __m128
adjust_lines(__m128 x, __m128 adjustment)
{
    __m256d const magic = _mm256_add_pd(_mm256_cvtps_pd(x), _mm256_set1_pd(MAGIC_FLOAT));
    return _mm256_cvtpd_ps(_mm256_add_pd(magic, _mm256_cvtps_pd(adjustment)));
}

/* To add the magic to a float from 0 to 2^22 and round is to round to the nearest, or even, integer. */
static __m256i
quantize_eight(__m256 x)
{
    __m256i const rounded = _mm256_min_epu32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(PRECALC_SIZE - 1));
    __m256 const adjustment = _mm256_i32gather_ps(adj43asm, rounded, sizeof(FLOAT));
    __m128 const low = adjust_lines(_mm256_castps256_ps128(x), _mm256_castps256_ps128(adjustment));
    __m128 const high = adjust_lines(_mm256_extractf128_ps(x, 1), _mm256_extractf128_ps(adjustment, 1));
    return _mm256_sub_epi32(_mm256_castps_si256(_mm256_set_m128(high, low)), _mm256_set1_epi32(MAGIC_INT));
}

static void
quantize_lines_wide(unsigned int l, FLOAT istep, const FLOAT * xp, int *pi)
{
    __m256 const step = _mm256_set1_ps(istep);
    int     left = l & ~1u;

    for (; left >= 8; left -= 8, xp += 8, pi += 8)
        _mm256_storeu_si256((__m256i *) pi, quantize_eight(_mm256_mul_ps(step, _mm256_loadu_ps(xp))));
    if (left) {
        __m256i const mask = first_lanes(left);
        _mm256_maskstore_epi32(pi, mask, quantize_eight(_mm256_mul_ps(step, _mm256_maskload_ps(xp, mask))));
    }
}

/* Of the tables 1, 7, 10 and 13: their own bits of each pair, and those of the two after them, 10 bits each. */
static uint32_t pair_bits1[4], pair_bits7[6 * 6], pair_bits10[8 * 8], pair_bits13[16 * 16];

static void
init_pair_bits(void)
{
    int     i;
    for (i = 0; i < 4; i++)
        pair_bits1[i] = ht[1].hlen[i];
    for (i = 0; i < 6 * 6; i++)
        pair_bits7[i] = ht[7].hlen[i] | ht[8].hlen[i] << 10 | ht[9].hlen[i] << 20;
    for (i = 0; i < 8 * 8; i++)
        pair_bits10[i] = ht[10].hlen[i] | ht[11].hlen[i] << 10 | ht[12].hlen[i] << 20;
    for (i = 0; i < 16 * 16; i++)
        pair_bits13[i] = ht[13].hlen[i] | ht[14].hlen[i] << 10 | ht[15].hlen[i] << 20;
}

static int
sum_lanes(__m256i lanes)
{
    __m128i const four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    __m128i const two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/* Eight pairs of lines, in any order, as words; behind the end are zeros. */
static __m256i
take_pairs(const int *ix, int left)
{
    __m256i const first = first_lanes(Min(left, 8)), second = first_lanes(Max(left, 8) - 8);
    return _mm256_packs_epi32(_mm256_maskload_epi32(ix, first), _mm256_maskload_epi32(ix + 8, second));
}

static __m256i
look_up_pairs(__m256i pairs, int xlen, const uint32_t * table)
{
    __m256i const index = _mm256_madd_epi16(pairs, _mm256_set1_epi32(xlen | 1 << 16));
    return _mm256_i32gather_epi32((const int *) table, index, sizeof(uint32_t));
}

/* The sums, in each lane, of what a table says of the pairs; those behind the end are not in them. */
static __m256i
add_up_pairs(const int *ix, int n, int xlen, const uint32_t * table)
{
    __m256i sum = _mm256_setzero_si256();
    for (; n >= 16; n -= 16, ix += 16) {
        __m256i const low = _mm256_loadu_si256((const __m256i *) ix);
        __m256i const high = _mm256_loadu_si256((const __m256i *) (ix + 8));
        sum = _mm256_add_epi32(sum, look_up_pairs(_mm256_packs_epi32(low, high), xlen, table));
    }
    if (n) {
        __m256i const there = _mm256_packs_epi32(first_lanes(Min(n, 8)), first_lanes(Max(n, 8) - 8));
        __m256i const found = look_up_pairs(take_pairs(ix, n), xlen, table);
        sum = _mm256_add_epi32(sum, _mm256_and_si256(found, there));
    }
    return sum;
}

static int
choose_of_two(unsigned int sums, int first, int second, unsigned int *s)
{
    unsigned int const one = sums >> 16, other = sums & 0xffffu;
    *s += Min(one, other);
    return one > other ? second : first;
}

static int
choose_of_three(__m256i sums, int first, unsigned int *s)
{
    __m256i const ten = _mm256_set1_epi32(0x3ff);
    unsigned int const sum1 = sum_lanes(_mm256_and_si256(sums, ten));
    unsigned int const sum2 = sum_lanes(_mm256_and_si256(_mm256_srli_epi32(sums, 10), ten));
    unsigned int const sum3 = sum_lanes(_mm256_srli_epi32(sums, 20));
    unsigned int least = Min(sum1, sum2);
    int     choice = sum1 > sum2 ? first + 1 : first;
    if (least > sum3) {
        least = sum3;
        choice = first + 2;
    }
    *s += least;
    return choice;
}

static int
count_escaped_wide(const int *ix, int n, int t1, int t2, unsigned int *s)
{
    __m256i const most = _mm256_set1_epi16(15), fourteen = _mm256_set1_epi16(14), minus = _mm256_set1_epi16(-1);
    __m256i sum = _mm256_setzero_si256(), escapes = sum;
    unsigned int const linbits = ht[t1].xlen * 65536u + ht[t2].xlen;
    unsigned int const behind = -n & 15;
    for (; n > 0; n -= 16, ix += 16) {
        __m256i const pairs = take_pairs(ix, Min(n, 16));
        sum = _mm256_add_epi32(sum, look_up_pairs(_mm256_min_epi16(pairs, most), 16, largetbl));
        escapes = _mm256_add_epi32(escapes, _mm256_madd_epi16(_mm256_cmpgt_epi16(pairs, fourteen), minus));
    }
    return choose_of_two(sum_lanes(sum) - behind / 2 * largetbl[0] + sum_lanes(escapes) * linbits, t1, t2, s);
}

static unsigned int
largest_line(const int *ix, int n)
{
    __m256i most = _mm256_setzero_si256();
    __m128i four;
    for (; n >= 8; n -= 8, ix += 8)
        most = _mm256_max_epi32(most, _mm256_loadu_si256((const __m256i *) ix));
    most = _mm256_max_epi32(most, _mm256_maskload_epi32(ix, first_lanes(n)));
    four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

static int
choose_table_wide(const int *ix, const int *const end, int *const _s)
{
    unsigned int *s = (unsigned int *) _s;
    int const n = end - ix;
    unsigned int const max = largest_line(ix, n);
    int     choice, choice2;

    if (max == 0)
        return 0;
    if (max == 1) {
        *s += sum_lanes(add_up_pairs(ix, n, 2, pair_bits1));
        return 1;
    }
    if (max == 2)
        return choose_of_two(sum_lanes(add_up_pairs(ix, n, 3, table23)), 2, 3, s);
    if (max == 3)
        return choose_of_two(sum_lanes(add_up_pairs(ix, n, 4, table56)), 5, 6, s);
    if (max <= 5)
        return choose_of_three(add_up_pairs(ix, n, 6, pair_bits7), 7, s);
    if (max <= 7)
        return choose_of_three(add_up_pairs(ix, n, 8, pair_bits10), 10, s);
    if (max <= 15)
        return choose_of_three(add_up_pairs(ix, n, 16, pair_bits13), 13, s);
    if (max > IXMAX_VAL) {
        *s = LARGE_BITS;
        return -1;
    }
    for (choice2 = 24; choice2 < 32; choice2++)
        if (ht[choice2].linmax >= max - 15)
            break;
    for (choice = choice2 - 8; choice < 24; choice++)
        if (ht[choice].linmax >= max - 15)
            break;
    return count_escaped_wide(ix, n, choice, choice2, s);
}
