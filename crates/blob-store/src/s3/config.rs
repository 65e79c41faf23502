//! How to reach a bucket.

use std::{fmt, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::tls;
use url::Url;

use crate::BlobError;

/// S3 refuses smaller parts but for the last one of an upload.
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// A secret key; prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Secret(String);

impl S3Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for S3Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A bucket, the key to it, and how patient to be.
#[derive(Clone, Debug)]
pub struct S3Config {
    pub bucket: String,
    /// Part of every signature; services without regions accept any, `us-east-1` by custom.
    pub region: String,
    pub access_key: String,
    pub secret_key: S3Secret,
    /// `None` for AWS.
    pub endpoint: Option<Url>,
    /// Where clients reach the service, when that differs from `endpoint`: links are signed for it.
    pub public_endpoint: Option<Url>,
    /// Bucket in the path rather than in the host name; most services but AWS want it.
    pub path_style: bool,
    /// Checksums only where an operation demands one: services other than AWS reject or mangle the default ones.
    pub checksums_only_when_required: bool,
    pub connect_timeout: Duration,
    /// One attempt, up to the head of its answer; a part must pass within it.
    pub attempt_timeout: Duration,
    /// All attempts of one call together.
    pub call_timeout: Duration,
    /// The first included.
    pub max_attempts: u32,
    /// Up to this size an object is sent whole, above it in parts of this size; at least 5 MiB.
    pub part_bytes: usize,
    /// Parts of one object under way at once.
    pub parts_in_flight: usize,
    /// Parts of all objects in memory at once; further ones wait in files. Bounds memory to this times `part_bytes`.
    pub part_buffers: usize,
}

impl S3Config {
    pub fn new(bucket: impl Into<String>, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: "us-east-1".to_owned(),
            access_key: access_key.into(),
            secret_key: S3Secret::new(secret_key),
            endpoint: None,
            public_endpoint: None,
            path_style: false,
            checksums_only_when_required: false,
            connect_timeout: Duration::from_secs(3),
            attempt_timeout: Duration::from_secs(60),
            call_timeout: Duration::from_secs(150),
            max_attempts: 3,
            part_bytes: 8 * 1024 * 1024,
            parts_in_flight: 2,
            part_buffers: 4,
        }
    }

    /// For a service other than AWS: its address, path style, checksums only where required.
    #[must_use]
    pub fn at(mut self, endpoint: Url) -> Self {
        self.endpoint = Some(endpoint);
        self.path_style = true;
        self.checksums_only_when_required = true;
        self
    }

    pub(crate) fn check(&self) -> Result<(), BlobError> {
        let problem = if self.bucket.is_empty() {
            "the bucket has no name"
        } else if self.region.is_empty() {
            "the region is empty"
        } else if self.part_bytes < MIN_PART_BYTES {
            "a part must have at least 5 MiB"
        } else if self.parts_in_flight == 0 || self.part_buffers == 0 || self.max_attempts == 0 {
            "at least one part, one buffer and one attempt are needed"
        } else if [&self.endpoint, &self.public_endpoint]
            .into_iter()
            .flatten()
            .any(|url| !matches!(url.scheme(), "http" | "https") || !url.has_host())
        {
            "an endpoint must look like https://s3.example.org"
        } else {
            return Ok(());
        };
        Err(BlobError::Settings(problem.to_owned()))
    }

    /// A client that talks to `endpoint` (AWS when `None`). Connects when first used.
    pub(crate) fn client(&self, endpoint: Option<&Url>) -> Client {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .build_https();
        let secret = self.secret_key.0.clone();
        let mut config = aws_sdk_s3::config::Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(Credentials::new(self.access_key.clone(), secret, None, None, "settings"))
            .http_client(http)
            .force_path_style(self.path_style)
            .retry_config(RetryConfig::standard().with_max_attempts(self.max_attempts))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(self.connect_timeout)
                    .operation_attempt_timeout(self.attempt_timeout)
                    .operation_timeout(self.call_timeout)
                    .build(),
            );
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint.as_str());
        }
        if self.checksums_only_when_required {
            config = config
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let printed = format!("{:?}", S3Config::new("bucket", "key", "hunter2"));
        assert!(printed.contains("***") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn impossible_settings_are_refused() {
        let good = S3Config::new("bucket", "key", "secret").at("http://127.0.0.1:9000".parse().unwrap());
        assert!(good.check().is_ok());
        let bad: [fn(&mut S3Config); 6] = [
            |c| c.bucket.clear(),
            |c| c.region.clear(),
            |c| c.part_bytes = MIN_PART_BYTES - 1,
            |c| c.parts_in_flight = 0,
            |c| c.part_buffers = 0,
            |c| c.endpoint = Some("file:///etc".parse().unwrap()),
        ];
        for (index, spoil) in bad.into_iter().enumerate() {
            let mut config = good.clone();
            spoil(&mut config);
            assert!(matches!(config.check(), Err(BlobError::Settings(_))), "case {index}");
        }
    }
}
