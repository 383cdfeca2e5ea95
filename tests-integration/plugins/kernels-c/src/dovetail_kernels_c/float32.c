/* The kernels in float32. */

#include <stdint.h>

#define TYPE float
#define BITS uint32_t
#define NAME(kernel) kernel##_float32
#define SQUARE_ROOT sqrtf

#define FRACTION_BITS 23
#define ONE_BITS 0x3f800000u
#define ROUNDER 12582912.0f /* 1.5 · 2²³ */
#define LN2_HIGH 0.693359375f
#define LN2_LOW (-2.12194440e-4f)
#define SMALLEST_EXPONENT (-87.3f)

#include "loops.h"
