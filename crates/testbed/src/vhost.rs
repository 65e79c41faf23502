//! A RabbitMQ virtual host for one test.

use std::ops::Deref;

use anyhow::Result;
use url::Url;

use crate::http;

/// An empty RabbitMQ virtual host, deleted with this value together with its queues and connections.
pub struct TestVhost {
    management: Url,
    name: String,
    url: String,
}

impl TestVhost {
    /// `amqp://…` of this virtual host.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name, for requests to the management API.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for TestVhost {
    type Target = str;

    fn deref(&self) -> &str {
        &self.url
    }
}

/// Creates a virtual host on the test broker, with full rights for the broker's test user.
///
/// # Panics
/// When there is no test broker, or it refuses.
pub async fn rabbitmq_vhost() -> TestVhost {
    let servers = crate::servers();
    let name = crate::fresh_name('-');
    let (management, vhost, user) =
        (servers.rabbitmq_management.clone(), name.clone(), servers.rabbitmq.username().to_owned());
    tokio::task::spawn_blocking(move || create(&management, &vhost, &user))
        .await
        .map_err(anyhow::Error::from)
        .flatten()
        .unwrap_or_else(|why| panic!("the test RabbitMQ broker did not create a virtual host: {why:#}"));
    let mut url = servers.rabbitmq;
    url.set_path(&name);
    TestVhost { management: servers.rabbitmq_management, name, url: url.into() }
}

fn create(management: &Url, vhost: &str, user: &str) -> Result<()> {
    http::expect_success("PUT", management, &format!("/api/vhosts/{vhost}"), "{}")?;
    let rights = r#"{"configure":".*","write":".*","read":".*"}"#;
    http::expect_success("PUT", management, &format!("/api/permissions/{vhost}/{user}"), rights)
}

impl Drop for TestVhost {
    fn drop(&mut self) {
        if let Err(why) = http::expect_success("DELETE", &self.management, &format!("/api/vhosts/{}", self.name), "") {
            eprintln!("test virtual host {} was left behind: {why:#}", self.name);
        }
    }
}
