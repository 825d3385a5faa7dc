/*
 * init_xrpow_core_c of quantize.c, done eight lines at a time by processors with AVX2. Each line's power and the largest
 * are the same to the last bit. The sum, of which only is asked whether it is almost nothing, is taken in another order.
 */
#include <immintrin.h>

static __m128
three_quarters(__m128 x)
{
    __m256d const wide = _mm256_cvtps_pd(x);
    return _mm256_cvtpd_ps(_mm256_sqrt_pd(_mm256_mul_pd(wide, _mm256_sqrt_pd(wide))));
}

static void
init_xrpow_core_wide(gr_info * const cod_info, FLOAT xrpow[576], int upper, FLOAT * sum)
{
    static const int32_t edge[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    FLOAT   sums[8], most[8];
    __m256  total = _mm256_setzero_ps(), largest = total;
    int     i;

    for (i = 0; i <= upper; i += 8) {
        __m256i const there = _mm256_loadu_si256((const __m256i *) (edge + 8 - Min(upper + 1 - i, 8)));
        __m256 const x = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), _mm256_maskload_ps(cod_info->xr + i, there));
        __m256 const power = _mm256_set_m128(three_quarters(_mm256_extractf128_ps(x, 1)),
                                             three_quarters(_mm256_castps256_ps128(x)));
        _mm256_maskstore_ps(xrpow + i, there, power);
        largest = _mm256_max_ps(largest, power);
        total = _mm256_add_ps(total, x);
    }
    _mm256_storeu_ps(most, largest);
    _mm256_storeu_ps(sums, total);
    *sum = 0;
    for (i = 0; i < 8; i++) {
        *sum += sums[i];
        cod_info->xrpow_max = Max(cod_info->xrpow_max, most[i]);
    }
}
