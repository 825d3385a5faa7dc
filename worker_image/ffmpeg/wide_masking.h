/*
 * What vbrpsy_compute_masking_l in psymodel.c adds up partition by partition, done for eight partitions at a time by
 * processors with AVX2. Each partition's operations are the same, in the same order, so its sum is the same to the
 * last bit.
 */
#include <immintrin.h>

enum { MARGIN = 8, MASKED = CBANDS + 2 * MARGIN, NEAREST = 2 };

/* fast_log2 of numbers from 1 on, times what FAST_LOG10_X makes of 16, cut to integers. */
static __m256i
sixteenths(__m256 x)
{
    int const rest = (1 << (23 - LOG2_SIZE_L2)) - 1;
    __m256i const bits = _mm256_castps_si256(x), mantissa = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff));
    __m256i const at = _mm256_srli_epi32(mantissa, 23 - LOG2_SIZE_L2);
    __m256i const exponent = _mm256_sub_epi32(_mm256_and_si256(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(0xff)),
                                              _mm256_set1_epi32(0x7f));
    __m256 const partial = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_and_si256(mantissa, _mm256_set1_epi32(rest))),
                                         _mm256_set1_ps(1.0f / (rest + 1)));
    __m256 const low = _mm256_mul_ps(_mm256_i32gather_ps(log_table, at, sizeof(FLOAT)),
                                     _mm256_sub_ps(_mm256_set1_ps(1.0f), partial));
    __m256 const high = _mm256_mul_ps(_mm256_i32gather_ps(log_table + 1, at, sizeof(FLOAT)), partial);
    __m256 const log2 = _mm256_add_ps(_mm256_cvtepi32_ps(exponent), _mm256_add_ps(low, high));
    __m256d const factor = _mm256_set1_pd(LOG2 / LOG10 * 16.0f);
    __m128i const first = _mm256_cvttpd_epi32(_mm256_mul_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(log2)), factor));
    __m128i const second = _mm256_cvttpd_epi32(_mm256_mul_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(log2, 1)), factor));
    return _mm256_set_m128i(second, first);
}

/* vbrpsy_mask_add, where `near` is set for partitions that are closer than delta. Nothing is less than 0. */
static __m256
add_masks(__m256 m1, __m256 m2, __m256i near)
{
    __m256 const sum = _mm256_add_ps(m1, m2), most = _mm256_max_ps(m1, m2);
    __m256 const ratio = _mm256_div_ps(most, _mm256_min_ps(m1, m2));
    __m256 const is_far_alike = _mm256_cmp_ps(ratio, _mm256_set1_ps(ma_max_i2), _CMP_LT_OQ);
    __m256 const far = _mm256_blendv_ps(most, sum, is_far_alike);
    __m256 const is_near_alike = _mm256_cmp_ps(ratio, _mm256_set1_ps(ma_max_i1), _CMP_LT_OQ);

    if (_mm256_testz_si256(near, near))
        return far;
    if (_mm256_testz_si256(near, _mm256_castps_si256(is_near_alike)))
        return _mm256_blendv_ps(far, sum, _mm256_castsi256_ps(near));
    {
        __m256i const at = _mm256_min_epu32(sixteenths(ratio), _mm256_set1_epi32(dimension_of(mask_add_gain) - 1));
        __m256 const more = _mm256_mul_ps(sum, _mm256_i32gather_ps(mask_add_gain, at, sizeof(FLOAT)));
        return _mm256_blendv_ps(far, _mm256_blendv_ps(sum, more, is_near_alike), _mm256_castsi256_ps(near));
    }
}

/* Eight partitions from b on, by their distance d from the partition that is added, which all lanes have in common. */
static void
mask_eight(PsyConst_CB2SB_t const *const gdl, int b, int start, FLOAT const *energy, FLOAT const *tonality,
           int const *delta, FLOAT * ecb)
{
    int const n = Min(gdl->npart - b, 8);
    int     first[8], length[8], at[8], i, d, from = 0, to = 0;
    __m256i firsts, lengths, ats, deltas;
    __m256  sum = _mm256_setzero_ps();

    for (i = 0; i < 8; i++) {
        int const *const ends = gdl->s3ind[b + Min(i, n - 1)];
        first[i] = ends[0] - (b + i);
        length[i] = i < n ? ends[1] - ends[0] + 1 : 0;
        at[i] = start - first[i];
        start += length[i];
        if (length[i]) {
            from = Min(from, first[i]);
            to = Max(to, first[i] + length[i]);
        }
    }
    firsts = _mm256_loadu_si256((const __m256i *) first);
    lengths = _mm256_loadu_si256((const __m256i *) length);
    ats = _mm256_loadu_si256((const __m256i *) at);
    deltas = _mm256_loadu_si256((const __m256i *) (delta + b));
    for (d = from; d < to; d++) {
        __m256i const distance = _mm256_sub_epi32(_mm256_set1_epi32(d), firsts);
        __m256i const there = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_setzero_si256(), distance),
                                                  _mm256_cmpgt_epi32(lengths, distance));
        __m256 const spread = _mm256_mask_i32gather_ps(_mm256_setzero_ps(), gdl->s3,
                                                       _mm256_add_epi32(ats, _mm256_set1_epi32(d)),
                                                       _mm256_castsi256_ps(there), sizeof(FLOAT));
        __m256 const x = _mm256_mul_ps(_mm256_mul_ps(spread, _mm256_loadu_ps(energy + MARGIN + b + d)),
                                       _mm256_loadu_ps(tonality + MARGIN + b + d));
        __m256i const near = abs(d) > NEAREST ? _mm256_setzero_si256()
            : _mm256_cmpgt_epi32(deltas, _mm256_set1_epi32(abs(d) - 1));
        sum = _mm256_blendv_ps(sum, add_masks(sum, x, near), _mm256_castsi256_ps(there));
    }
    _mm256_storeu_ps(ecb + b, sum);
}

/* Of each partition, the sum of the masks of all around it, and the mean of their indices. */
static void
mask_all(PsyConst_CB2SB_t const *const gdl, FLOAT const *eb, unsigned char const *index, FLOAT * ecb, int *mean)
{
    FLOAT   energy[MASKED] = { 0 }, tonality[MASKED] = { 0 };
    int     before[CBANDS + 1] = { 0 }, delta[CBANDS + MARGIN] = { 0 };
    int     b, i, start = 0;

    for (b = 0; b < gdl->npart; b++) {
        energy[MARGIN + b] = eb[b];
        tonality[MARGIN + b] = tab[index[b]];
        delta[b] = mask_add_delta(index[b]);
        before[b + 1] = before[b] + index[b];
    }
    for (b = 0; b < gdl->npart; b += 8) {
        mask_eight(gdl, b, start, energy, tonality, delta, ecb);
        for (i = b; i < Min(b + 8, gdl->npart); i++) {
            int const first = gdl->s3ind[i][0], length = gdl->s3ind[i][1] + 1 - first;
            mean[i] = (1 + 2 * (before[first + length] - before[first])) / (2 * length);
            start += length;
        }
    }
}
