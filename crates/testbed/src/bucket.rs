//! An S3 bucket for one test.

use std::ops::Deref;

use url::Url;

use crate::http;

/// The region that clients of the test server name; it accepts any.
const REGION: &str = "us-east-1";

/// How to reach a bucket.
#[derive(Clone)]
pub struct S3Location {
    /// Address of the server; buckets are the first part of the path.
    pub endpoint: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
    pub region: String,
}

/// An empty bucket, deleted with this value together with its objects.
pub struct TestBucket {
    endpoint: Url,
    location: S3Location,
}

impl TestBucket {
    pub fn location(&self) -> &S3Location {
        &self.location
    }
}

impl Deref for TestBucket {
    type Target = S3Location;

    fn deref(&self) -> &S3Location {
        &self.location
    }
}

/// Creates an empty bucket on the test server.
///
/// # Panics
/// When there is no test server, or it is not an `s3-dev` (only that one creates buckets for unsigned requests).
pub async fn s3_bucket() -> TestBucket {
    let servers = crate::servers();
    let bucket = short_name();
    let (endpoint, path) = (servers.s3_endpoint.clone(), crate::s3::control_path(&bucket));
    tokio::task::spawn_blocking(move || http::expect_success("PUT", &endpoint, &path, ""))
        .await
        .map_err(anyhow::Error::from)
        .flatten()
        .unwrap_or_else(|why| panic!("the test S3 server did not create a bucket: {why:#}"));
    let location = S3Location {
        endpoint: servers.s3_endpoint.as_str().trim_end_matches('/').to_owned(),
        bucket,
        access_key: servers.s3_access_key,
        secret_key: servers.s3_secret_key,
        region: REGION.to_owned(),
    };
    TestBucket { endpoint: servers.s3_endpoint, location }
}

/// Nine characters: the test server writes bucket, key and upload in Base64 into one file name of at most 255 bytes, and the keys
/// of songs leave no more of it.
fn short_name() -> String {
    let mut name = uuid::Uuid::new_v4().simple().to_string();
    name.truncate(8);
    format!("d{name}")
}

impl Drop for TestBucket {
    fn drop(&mut self) {
        let path = crate::s3::control_path(&self.location.bucket);
        if let Err(why) = http::expect_success("DELETE", &self.endpoint, &path, "") {
            eprintln!("test bucket {} was left behind: {why:#}", self.location.bucket);
        }
    }
}
