//! What is promised in writing: the OpenAPI document, and the reference for people. Neither may change or fall behind
//! unnoticed.

use domain::{JobState, audio::FindingCode, failure::FailureCode, feed::FeedKind, kinds::melody_vocals::SPEC};

const HTTP: &str = include_str!("../../../../docs/http.md");
const VALIDATION: &str = include_str!("../../../../docs/validation.md");

/// The document that clients are generated from. After a wanted change: `INSTA_UPDATE=always cargo test -p gateway`.
#[test]
fn the_openapi_document_is_as_it_was() {
    insta::assert_json_snapshot!("openapi", gateway::openapi());
}

#[test]
fn every_path_of_the_document_has_its_heading_in_the_reference() {
    let paths = gateway::openapi().paths.paths;
    assert!(paths.len() >= 17, "the document lists the routes: {:?}", paths.keys());
    for (path, item) in paths {
        let methods = [("GET", item.get.is_some()), ("POST", item.post.is_some())];
        assert!(methods.iter().any(|(_, there)| *there), "{path} has a method");
        for (method, _) in methods.iter().filter(|(_, there)| *there) {
            let named = format!("{method} {path}`");
            assert!(
                HTTP.lines().any(|line| line.starts_with("##") && line.contains(&named)),
                "docs/http.md has no heading with `{named}"
            );
        }
    }
}

/// `word` stands in code type at the start of a table's row.
fn has_row(page: &str, word: &str) -> bool {
    page.lines().any(|line| line.starts_with(&format!("| `{word}` |")))
}

#[test]
fn every_word_that_a_program_can_act_on_is_explained() {
    for kind in FeedKind::ALL {
        assert!(has_row(HTTP, kind.as_str()), "docs/http.md does not explain the event {kind}");
    }
    for code in FailureCode::ALL {
        let row = format!("| `{}` | `{}` |", code.as_str(), SPEC.error_word(code, None));
        assert!(HTTP.contains(&row), "docs/http.md has no row {row}");
    }
    for state in JobState::ALL {
        let row = format!("| `{}` | `{}` |", state.as_str(), state.seed_status());
        assert!(HTTP.contains(&row), "docs/http.md has no row {row}");
    }
    for artifact in SPEC.artifacts {
        assert!(has_row(HTTP, artifact.role.as_str()), "docs/http.md does not explain the file {}", artifact.role);
    }
    for code in FindingCode::ALL {
        assert!(has_row(VALIDATION, code.as_str()), "docs/validation.md does not explain {}", code.as_str());
    }
}
