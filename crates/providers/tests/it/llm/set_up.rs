//! Whether keys and models are right, before anybody needs them.

use domain::{FailureClass, options::Language};
use providers::SetupCheck;
use settings::{Secret, Vendor};
use testbed::{Manner, StandIn};
use vendor_standins::{Fault, Retry, Route, Step, Vendors};

use super::{ANTHROPIC, BOTH, OPENAI, Who, writer_of};

async fn check(settings: &Vendor, expected: Result<(), (FailureClass, &str)>) {
    let checked = writer_of(settings).check().await;
    match (&checked, expected) {
        (Ok(()), Ok(())) => {}
        (Err(failure), Err((class, word))) => {
            assert_eq!(failure.class, class, "{failure}");
            assert!(failure.message.contains(word), "{}", failure.message);
            assert!(!failure.message.contains("invalid-key"), "{}", failure.message);
        }
        _ => panic!("{checked:?} instead of {expected:?}"),
    }
}

#[tokio::test]
async fn keys_and_models_are_held_against_the_vendor_for_nothing() {
    let vendors = Vendors::start().await;
    for who in BOTH {
        let good = who.settings(&vendors);
        assert_eq!(writer_of(&good).provider(), who.name);
        check(&good, Ok(())).await;
        let wrong_key = Vendor { api_key: Some(Secret::new("invalid-key".to_owned())), ..good.clone() };
        check(&wrong_key, Err((FailureClass::Config, "refused the key"))).await;
        let missing = Vendor { model: "poet/9".to_owned(), ..good };
        check(&missing, Err((FailureClass::Config, "poet/9"))).await;
    }
    assert!(vendors.ledger().is_empty());
}

#[tokio::test]
async fn an_outage_is_no_wrong_key() {
    let step = || Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    for (who, route) in [(ANTHROPIC, Route::Model), (OPENAI, Route::Models)] {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, route, [step()]);
        check(&who.settings(&vendors), Err((FailureClass::Transient, "failed"))).await;
    }
}

#[tokio::test]
async fn a_server_that_lists_no_models_is_let_pass() {
    let check = async |status: u16, body: &str, expected| {
        let server = StandIn::start([Manner::Answers(status, body.as_bytes().to_vec())]).await;
        let settings = OPENAI.settings_at(&format!("{}/v1", server.url()), None);
        check(&Vendor { model: "llama3.2".to_owned(), ..settings }, expected).await;
        assert!(server.heard()[0].head.starts_with("GET /v1/models "), "{}", server.heard()[0].head);
    };
    for status in [404, 405, 501] {
        check(status, "", Ok(())).await;
    }
    check(200, "<html>", Ok(())).await;
    check(200, r#"{"data": []}"#, Ok(())).await;
    check(200, r#"{"object": "list", "data": [{"id": "llama3.2:latest"}]}"#, Ok(())).await;
    check(200, r#"{"object": "list", "data": [{"id": "llama3.1"}]}"#, Err((FailureClass::Config, "llama3.2"))).await;
}

#[tokio::test]
async fn languages_are_those_of_the_settings() {
    let vendors = Vendors::start().await;
    let languages = |who: Who, languages: Option<Vec<Language>>| {
        let settings = Vendor { languages, concurrency: 3, ..who.settings(&vendors) };
        let writer = writer_of(&settings);
        assert_eq!(writer.slots().slots(), 3);
        writer.abilities().languages
    };
    assert_eq!(languages(OPENAI, None), None);
    assert_eq!(languages(ANTHROPIC, Some(vec![Language::English])), Some(vec![Language::English]));
}
