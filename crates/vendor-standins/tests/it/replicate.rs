//! Lists, models, files and the account.

use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use vendor_standins::{Options, Pace, Route, Vendor, Vendors};

use crate::client::{BARK, ask, client, get, request, send};

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let vendors = Vendors::start_with(Options { pace: Pace::Manual, page: 2, ..Options::default() }).await.unwrap();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(ask(&vendors, Vendor::Replicate).await.unwrap().json());
    }
    let ids = |runs: &[Value]| runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let mut seen = Vec::new();
    let mut next = Some(format!("{}/v1/predictions", vendors.url_of(Vendor::Replicate)));
    while let Some(url) = next {
        let page = send(client().get(url).bearer_auth("key")).await.unwrap().json();
        assert!(page["results"].as_array().unwrap().len() <= 2);
        seen.extend(ids(page["results"].as_array().unwrap()));
        next = page["next"].as_str().map(str::to_owned);
    }
    made.reverse();
    assert_eq!(seen, ids(&made));
    let since = made[1]["created_at"].as_str().unwrap();
    let page = get(&vendors, Vendor::Replicate, &format!("/v1/predictions?created_after={since}")).await.json();
    assert_eq!(ids(page["results"].as_array().unwrap()), ids(&made[..2]));
    let path = format!("/v1/predictions?created_before={}", made[3]["created_at"].as_str().unwrap());
    let page = get(&vendors, Vendor::Replicate, &path).await.json();
    assert_eq!(ids(page["results"].as_array().unwrap()), ids(&made[4..]));
    for query in ["cursor=bm9ib2R5", "created_after=yesterday"] {
        assert_eq!(get(&vendors, Vendor::Replicate, &format!("/v1/predictions?{query}")).await.status, 422);
    }
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 5);
}

#[tokio::test]
async fn models_tell_their_versions_and_inputs() {
    let vendors = Vendors::start().await;
    let path = "/v1/models/suno-ai/bark";
    let model = get(&vendors, Vendor::Replicate, path).await.json();
    assert_eq!(model["latest_version"]["id"], BARK);
    let versions = get(&vendors, Vendor::Replicate, &format!("{path}/versions")).await.json();
    assert_eq!(versions["results"][0]["id"], BARK);
    let version = get(&vendors, Vendor::Replicate, &format!("{path}/versions/{BARK}")).await.json();
    let schemas = &version["openapi_schema"]["components"]["schemas"];
    assert_eq!((&schemas["Input"]["required"], &schemas["Output"]["type"]), (&json!(["prompt"]), &json!("object")));
    for path in ["/v1/models/suno-ai/dog", "/v1/models/suno-ai/bark/versions/1", "/v1/nothing"] {
        assert_eq!(get(&vendors, Vendor::Replicate, path).await.status, 404);
    }
    let account = get(&vendors, Vendor::Replicate, "/v1/account").await.json();
    assert_eq!(account["type"], "user");
    let keyless = send(client().get(format!("{}/v1/account", vendors.url_of(Vendor::Replicate)))).await.unwrap();
    assert_eq!((keyless.status, &keyless.json()["title"]), (401, &json!("Unauthenticated")));
    let token = client().get(format!("{}/v1/account", vendors.url_of(Vendor::Replicate)));
    assert_eq!(send(token.header("authorization", "Token key")).await.unwrap().status, 200);
}

#[tokio::test]
async fn files_are_kept_until_they_are_deleted() {
    let vendors = Vendors::start().await;
    let upload = |form: Form| send(request(&vendors, Vendor::Replicate, Method::POST, "/v1/files").multipart(form));
    let form = Form::new()
        .part("content", Part::bytes(b"RIFF\r\n--not".to_vec()).file_name("hum.wav"))
        .text("type", "audio/wav")
        .text("metadata", "{\"job\": 7}");
    let file = upload(form).await.unwrap();
    let shown = file.json();
    assert_eq!((file.status, &shown["size"], &shown["content_type"]), (201, &json!(11), &json!("audio/wav")));
    assert_eq!((&shown["name"], &shown["metadata"]["job"]), (&json!("hum.wav"), &json!(7)));
    let path = format!("/v1/files/{}", shown["id"].as_str().unwrap());
    assert_eq!(get(&vendors, Vendor::Replicate, &path).await.json(), shown);
    assert_eq!(get(&vendors, Vendor::Replicate, "/v1/files").await.json()["results"], json!([shown]));
    let unsigned = format!("{path}/download?owner=descant&expiry=9999999999&signature=AAAA");
    assert_eq!(get(&vendors, Vendor::Replicate, &unsigned).await.status, 403);
    let delete = || send(request(&vendors, Vendor::Replicate, Method::DELETE, &path));
    assert_eq!(delete().await.unwrap().status, 204);
    assert_eq!(delete().await.unwrap().status, 404);
    let nameless = Form::new().text("type", "audio/wav");
    assert_eq!(upload(nameless).await.unwrap().status, 422);
    let long = Form::new().part("content", Part::bytes(vec![1])).text("filename", "x".repeat(256));
    assert_eq!(upload(long).await.unwrap().status, 422);
    let listed = Form::new().part("content", Part::bytes(vec![1])).text("metadata", "[]");
    assert_eq!(upload(listed).await.unwrap().status, 422);
}
