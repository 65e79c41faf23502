//! Houses of several tests, and of one.

use std::{
    ops::Deref,
    sync::{Arc, Weak},
};

use tokio::sync::Mutex;

use super::house::{Flavour, House};

static EMBEDDED: Mutex<Weak<House>> = Mutex::const_new(Weak::new());
static DISTRIBUTED: Mutex<Weak<House>> = Mutex::const_new(Weak::new());

/// A test's stay in a house. When the test fails, it tells what the services logged.
pub struct Visit(Arc<House>);

/// A house that other tests use at the same time: keep to your own user. It ends with the last visit, so that nothing
/// of it is left when the tests are over.
pub async fn shared(flavour: Flavour) -> Visit {
    let place = match flavour {
        Flavour::Embedded => &EMBEDDED,
        Flavour::Distributed => &DISTRIBUTED,
    };
    let mut known = place.lock().await;
    if let Some(house) = known.upgrade() {
        return Visit(house);
    }
    let house = Arc::new(House::start(flavour, &[]).await);
    *known = Arc::downgrade(&house);
    Visit(house)
}

/// A house for this test alone, with settings of its own.
pub async fn own(flavour: Flavour, settings: &[(&str, &str)]) -> Visit {
    Visit(Arc::new(House::start(flavour, settings).await))
}

impl Deref for Visit {
    type Target = House;

    fn deref(&self) -> &House {
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
