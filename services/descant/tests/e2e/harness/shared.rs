//! Deployments of several tests, and of one.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use tokio::sync::Mutex;

use super::deployment::{Deployment, Flavour};

static EMBEDDED: Mutex<Weak<Deployment>> = Mutex::const_new(Weak::new());
static DISTRIBUTED: Mutex<Weak<Deployment>> = Mutex::const_new(Weak::new());

/// A test's stay in a deployment. When the test fails, it tells what the services logged.
pub struct Visit(Arc<Deployment>);

/// A deployment that other tests use at the same time: keep to your own user. It ends with the last visit, so that
/// nothing of it is left when the tests are over.
pub async fn shared(flavour: Flavour) -> Visit {
    let place = match flavour {
        Flavour::Embedded => &EMBEDDED,
        Flavour::Distributed => &DISTRIBUTED,
    };
    let mut known = place.lock().await;
    if let Some(deployment) = known.upgrade() {
        return Visit(deployment);
    }
    let deployment = Arc::new(Deployment::start(flavour, &[]).await);
    *known = Arc::downgrade(&deployment);
    Visit(deployment)
}

/// A deployment for this test alone, with settings of its own.
pub async fn own(flavour: Flavour, settings: &[(&str, &str)]) -> Visit {
    Visit(Arc::new(Deployment::start(flavour, settings).await))
}

impl Deref for Visit {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell_logs();
        }
    }
}
