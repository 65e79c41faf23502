//! Vendors that make sound, as the settings describe them, and sound as text.

use std::{fs::File, io::Read as _, time::Duration};

use domain::Prices;
use media::Bounds;
use outbound::Outbound;
use providers::{AudioInput, Stop};
use settings::{OutboundSettings, Secret, Vendor, VendorKind};
use url::Url;

/// A vendor of a kind at an address, with a key and nothing else.
pub fn vendor(kind: VendorKind, url: &str) -> Vendor {
    Vendor {
        name: "vendor".to_owned(),
        kind,
        base_url: Url::parse(url).expect("an address of this machine"),
        api_key: Some(Secret::new("stand-in".to_owned())),
        api_version: None,
        model: kind.model().to_owned(),
        voice: None,
        vocals_version: None,
        music_version: None,
        trainer_version: None,
        owner: None,
        output_hosts: None,
        webhook_secret: None,
        format: None,
        max_tokens: 4096,
        shortest_seconds: None,
        longest_seconds: None,
        languages: None,
        plays: false,
        timeout: Duration::from_secs(30),
        work_timeout: Duration::from_secs(60),
        concurrency: 4,
        prices: Prices { currency: "USD".to_owned(), ..Prices::default() },
        monthly_limit: None,
    }
}

pub fn outbound() -> Outbound {
    Outbound::new(&OutboundSettings::default()).expect("requests can be made")
}

/// Length in seconds, channels and rate of a sound, by decoding it.
pub fn shape(sound: &AudioInput) -> (f64, u16, u32) {
    let audio = media::decode(sound.reopen().unwrap(), &Bounds::default()).unwrap();
    (audio.duration_seconds(), audio.channels, audio.sample_rate_hz)
}

/// The first bytes of a sound.
pub fn beginning(sound: &AudioInput) -> [u8; 4] {
    let mut bytes = [0; 4];
    let mut file: File = sound.reopen().unwrap();
    file.read_exact(&mut bytes).unwrap();
    bytes
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Failed,
    GivenUp,
    NotAsked,
    Parked,
}

pub fn ended(stop: &Stop) -> Ended {
    match stop {
        Stop::Failed(_) => Ended::Failed,
        Stop::GivenUp(_) => Ended::GivenUp,
        Stop::NotAsked(_) => Ended::NotAsked,
        Stop::Parked(_) => Ended::Parked,
    }
}
