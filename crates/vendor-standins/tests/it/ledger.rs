//! What is charged, and what is charged twice.

use serde_json::json;
use vendor_standins::{Route, Step, Vendor, Vendors};

use crate::client::{BARK, ask, post, usual};

#[tokio::test]
async fn a_retry_after_a_lost_answer_shows_as_paid_twice() {
    for vendor in Vendor::ALL {
        let vendors = Vendors::start().await;
        vendors.script(vendor, usual(vendor).0, [Step::Reset { after_work: false }, Step::Reset { after_work: true }]);
        assert!(ask(&vendors, vendor).await.is_err());
        assert!(ask(&vendors, vendor).await.is_err());
        assert!(vendors.paid_twice().is_empty(), "what was reset before the work costs nothing");
        ask(&vendors, vendor).await.unwrap();
        let twice = vendors.paid_twice();
        assert_eq!(twice.len(), 1, "{vendor:?}");
        assert_eq!(twice[0].iter().map(|charge| charge.delivered).collect::<Vec<_>>(), [false, true]);
        assert_eq!(vendors.asked(vendor, usual(vendor).0), 3);
        vendors.reset();
        assert!(vendors.ledger().is_empty());
    }
}

#[tokio::test]
async fn correlations_tell_orders_apart() {
    let vendors = Vendors::start().await;
    let order = |job: u32| {
        json!({"version": BARK, "input": {"prompt": "la"}, "webhook": format!("https://hooks.invalid/x?correlation=job-{job}"),
            "webhook_events_filter": ["start"]})
    };
    for job in [1, 2] {
        post(&vendors, Vendor::Replicate, "/v1/predictions", &order(job)).await;
    }
    let ledger = vendors.ledger();
    let correlations: Vec<&str> = ledger.iter().filter_map(|charge| charge.correlation.as_deref()).collect();
    assert_eq!(correlations, ["job-1", "job-2"]);
    assert!(ledger.iter().all(|charge| charge.subject.is_some() && charge.amount_micros > 0));
    assert!(vendors.paid_twice().is_empty());
    post(&vendors, Vendor::Replicate, "/v1/predictions", &order(2)).await;
    assert_eq!(vendors.paid_twice()[0][0].correlation.as_deref(), Some("job-2"));
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 3);
}
