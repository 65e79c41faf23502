//! `docs/validation.md` names every finding.

use domain::audio::FindingCode;

#[test]
fn every_finding_is_documented() {
    let page = include_str!("../../../../docs/validation.md");
    let missing: Vec<_> = FindingCode::ALL
        .into_iter()
        // What a newer validator found; never made here.
        .filter(|code| *code != FindingCode::Other)
        .map(FindingCode::as_str)
        .filter(|code| !page.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "docs/validation.md lacks {missing:?}");
}
