//! What happens in the place of an answer, or to it on its way.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use vendor_standins::{Route, Step, Vendor, Vendors};

use crate::client::{ask, client, get, post, request, send, usual};

/// Whether an error is a connection that was reset, and not one that was closed.
fn is_reset(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|why| why.kind() == std::io::ErrorKind::ConnectionReset) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[tokio::test]
async fn connections_end_before_or_after_the_work() {
    for vendor in Vendor::ALL {
        let vendors = Vendors::start().await;
        let route = usual(vendor).0;
        for (step, resets, charges) in [
            (Step::Reset { after_work: false }, true, 0),
            (Step::Reset { after_work: true }, true, 1),
            (Step::Close { after_work: false }, false, 1),
            (Step::Close { after_work: true }, false, 2),
        ] {
            vendors.script(vendor, route, [step.clone()]);
            let error = ask(&vendors, vendor).await.unwrap_err();
            assert_eq!(is_reset(&error), resets, "{vendor:?} {step:?}: {error:?}");
            let ledger = vendors.ledger();
            assert_eq!(ledger.len(), charges, "{vendor:?} {step:?}");
            assert!(ledger.iter().all(|charge| !charge.delivered));
        }
        assert_eq!(ask(&vendors, vendor).await.unwrap().status / 100, 2);
        assert!(vendors.ledger()[2].delivered);
    }
}

#[tokio::test]
async fn a_hang_lasts_for_as_long_as_the_client_waits() {
    let vendors = Vendors::start().await;
    vendors.script(Vendor::OpenAi, Route::Chat, [Step::Hang { after_work: false }, Step::Hang { after_work: true }]);
    let (_, path, body) = usual(Vendor::OpenAi);
    for charges in [0, 1] {
        let asked = vendors.asked(Vendor::OpenAi, Route::Chat) + 1;
        let hanging = tokio::spawn(send(request(&vendors, Vendor::OpenAi, Method::POST, path).json(&body)));
        testbed::eventually("the request", Duration::from_secs(10), || async {
            let seen = (vendors.asked(Vendor::OpenAi, Route::Chat), vendors.ledger().len());
            if seen == (asked, charges) { Ok(()) } else { Err(seen) }
        })
        .await;
        assert!(!hanging.is_finished());
        hanging.abort();
    }
    assert!(!vendors.ledger()[0].delivered);
}

#[tokio::test]
async fn bodies_are_cut_slow_late_wrongly_named_or_too_large() {
    let vendors = Vendors::start().await;
    let (_, path, body) = usual(Vendor::OpenAi);
    let proper = post(&vendors, Vendor::OpenAi, path, &body).await;
    vendors.script(Vendor::OpenAi, Route::Chat, [Step::CutBody]);
    let mut cut = request(&vendors, Vendor::OpenAi, Method::POST, path).json(&body).send().await.unwrap();
    assert_eq!(cut.content_length(), Some(proper.bytes.len() as u64));
    let mut read = 0;
    let broke = loop {
        match cut.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            other => break other,
        }
    };
    assert!(broke.is_err() && read == proper.bytes.len() / 2, "{read} {broke:?}");
    assert!(!vendors.ledger()[1].delivered);

    vendors.script(Vendor::OpenAi, Route::Chat, [Step::SlowBody { ms: 1 }, Step::Delay { ms: 150 }]);
    let started = Instant::now();
    assert_eq!(post(&vendors, Vendor::OpenAi, path, &body).await.bytes, proper.bytes);
    assert!(started.elapsed() >= Duration::from_millis(proper.bytes.len() as u64 / 2));
    let started = Instant::now();
    assert_eq!(post(&vendors, Vendor::OpenAi, path, &body).await.bytes, proper.bytes);
    assert!(started.elapsed() >= Duration::from_millis(150));

    let wrong = Step::ContentType("text/html".to_owned());
    vendors.script(Vendor::OpenAi, Route::Chat, [wrong, Step::Oversized { bytes: 200_000 }]);
    let got = post(&vendors, Vendor::OpenAi, path, &body).await;
    assert_eq!((got.header("content-type"), &got.bytes), ("text/html", &proper.bytes));
    let got = post(&vendors, Vendor::OpenAi, path, &body).await;
    assert_eq!(got.bytes.len(), proper.bytes.len() + 200_000);
    assert_eq!(got.json(), proper.json(), "spaces behind JSON change nothing");
    assert!(vendors.ledger().iter().filter(|charge| !charge.delivered).count() == 1);
}

#[tokio::test]
async fn redirects_and_answers_word_by_word() {
    let vendors = Vendors::start().await;
    let to = "http://10.0.0.1/secret".to_owned();
    vendors.script(Vendor::Replicate, Route::Delivery, [Step::Redirect { to: to.clone() }]);
    let got = send(client().get(format!("{}/delivery/x/out.wav", vendors.url()))).await.unwrap();
    assert_eq!((got.status, got.header("location")), (302, to.as_str()));
    let verbatim = |status| Step::Verbatim { status, content_type: "text/plain".to_owned(), body: "so".to_owned() };
    vendors.script(Vendor::Anthropic, Route::Messages, [verbatim(200), verbatim(418)]);
    for (status, charges) in [(200, 1), (418, 1)] {
        let got = ask(&vendors, Vendor::Anthropic).await.unwrap();
        assert_eq!((got.status, got.header("content-type"), &got.bytes[..]), (status, "text/plain", &b"so"[..]));
        assert_eq!(vendors.ledger().len(), charges);
    }
}

#[tokio::test]
#[should_panic(expected = "cannot happen on the route")]
async fn a_step_that_cannot_happen_is_told_at_once() {
    let vendors = Vendors::start().await;
    vendors.script(Vendor::Replicate, Route::GetPrediction, [Step::Stop(vendor_standins::Stop::Refusal)]);
}

#[tokio::test]
async fn dice_spoil_as_many_calls_as_told() {
    let vendors = Vendors::start().await;
    vendors.random(Vendor::OpenAi, 1.0, 11);
    for _ in 0..12 {
        let models = request(&vendors, Vendor::OpenAi, Method::GET, "/v1/models").timeout(Duration::from_millis(200));
        let whole = async { models.send().await?.error_for_status()?.bytes().await }.await;
        assert!(whole.is_err(), "{whole:?}");
    }
    vendors.random(Vendor::OpenAi, 0.0, 11);
    assert_eq!(get(&vendors, Vendor::OpenAi, "/v1/models").await.status, 200);
}

#[tokio::test]
async fn nobody_answers_under_another_path() {
    let vendors = Vendors::start().await;
    let got = send(client().get(format!("{}/x", vendors.url()))).await.unwrap();
    assert_eq!(got.status, 404);
    assert!(got.json()["error"].as_str().unwrap().contains("anthropic"));
    for vendor in Vendor::ALL {
        assert_eq!(post(&vendors, vendor, "/v1/nothing", &json!({})).await.status, 404);
    }
    let address = vendors.url();
    drop(vendors);
    testbed::eventually("the end of the server", Duration::from_secs(5), || async {
        match client().get(&address).send().await {
            Ok(answer) => Err(answer.status()),
            Err(_) => Ok(()),
        }
    })
    .await;
}
