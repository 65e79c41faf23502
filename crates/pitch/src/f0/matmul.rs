//! Matrix products. All unsafe code of the crate is here, behind slices whose lengths are checked.
#![allow(unsafe_code)]

use gemm::Parallelism;

/// `out = a · b`, all row-major and dense: `a` is rows × inner, `b` is inner × columns, `out` is rows × columns.
///
/// # Panics
/// When a slice has another length than its matrix.
pub(super) fn multiply(out: &mut [f32], a: &[f32], b: &[f32], rows: usize, inner: usize, columns: usize) {
    assert!(out.len() == rows * columns && a.len() == rows * inner && b.len() == inner * columns, "matrix sizes");
    let (row_of_b, row_of_a) = (columns as isize, inner as isize);
    // SAFETY: the strides stay within the lengths that were checked just above, and `out` is borrowed mutably, so it
    // overlaps neither input.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            row_of_b,
            false,
            a.as_ptr(),
            1,
            row_of_a,
            b.as_ptr(),
            1,
            row_of_b,
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
