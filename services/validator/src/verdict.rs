//! What needs no measuring to be refused.

use domain::audio::{Finding, FindingCode, Verdict};

/// The verdict on what is too large to be fetched at all.
pub(crate) fn too_large(size_bytes: u64, limit_bytes: u64) -> Verdict {
    let mebibytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / (1024.0 * 1024.0));
    let limit = mebibytes(limit_bytes);
    let finding =
        Finding::error(FindingCode::FileTooLarge, format!("The file is larger than {limit}; shorten or compress it."));
    Verdict { findings: vec![finding.measured(mebibytes(size_bytes), limit)], ..Verdict::default() }
}
