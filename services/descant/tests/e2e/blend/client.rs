//! What clients of the older service do.

use serde_json::json;

use super::stocked;
use crate::harness::{Flavour, own, visit};

over_both!(the_example_of_the_contract_gets_its_song);

/// The example of the contract that these clients were written against, word for word: it asks for a blend, polls, and follows
/// the link. The host and whoever is signed in are the browser's.
const EXAMPLE: &str = r#"
// 1. Start generation
const response = await fetch('/api/generate', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    songs: ['Bohemian Rhapsody - Queen', 'Stairway to Heaven - Led Zeppelin', 'Hotel California - Eagles']
  })
});
const { jobId } = await response.json();

// 2. Poll for status
const checkStatus = async () => {
  const response = await fetch(`/api/status/${jobId}`);
  const status = await response.json();
  
  if (status.status === 'completed') {
    // 3. Download result
    window.location.href = `/api/download/${status.outputFileId}`;
  } else if (status.status === 'failed') {
    console.error('Generation failed:', status.error);
  } else {
    // Continue polling
    setTimeout(checkStatus, 2000);
  }
};

checkStatus();
"#;

/// What it asks for; the music is our own.
const NAMES: [(&str, &str); 3] =
    [("Bohemian Rhapsody", "Queen"), ("Stairway to Heaven", "Led Zeppelin"), ("Hotel California", "Eagles")];

async fn the_example_of_the_contract_gets_its_song(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    stocked(&deployment, NAMES).await;
    let user = deployment.user();
    let done = visit(&user, EXAMPLE).await;
    assert_eq!(done.errors, [""; 0]);
    let landed = done.landed.expect("it follows the link to its song");
    assert_eq!((landed.status, landed.media_type.as_deref()), (200, Some("audio/mpeg")), "{landed:?}");
    assert!(landed.bytes > 100_000, "{landed:?}");

    let jobs = user.get("/api/jobs").await.expect(200);
    let job = &jobs["jobs"][0];
    assert_eq!((&jobs["total"], &job["status"]), (&json!(1), &json!("completed")), "{jobs}");
    let status = user.get(&format!("/api/status/{}", job["jobId"].as_str().expect("an id"))).await.expect(200);
    let address = format!("/api/download/{}", status["outputFileId"].as_str().expect("a file"));
    assert_eq!(landed.address, address);
    user.get("/api/health").await.expect(200);
    user.get("/api/health/detailed").await.expect(200);
}
