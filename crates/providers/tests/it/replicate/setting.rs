//! A stand-in, what is had of it, and what the tests ask.

use std::{io::Read, time::Duration};

use chrono::Utc;
use domain::OutsideCallId;
use outbound::Outbound;
use providers::{
    AudioInput, DirectCalls, OutsideProgress, OutsideService, ProviderCall,
    vendors::replicate::{ModelRef, PredictionRequest, Replicate},
};
use resilience::ids::random10;
use serde_json::{Value, json};
use settings::{LoadOptions, Settings};
use vendor_standins::{End, Options, Route, Run, Step, Vendor, Vendors};

pub const REPLICATE: Vendor = Vendor::Replicate;

pub struct Setting {
    pub vendors: Vendors,
    pub replicate: Replicate,
}

impl Setting {
    pub async fn new() -> Self {
        Self::with(Options::default(), &[]).await
    }

    pub async fn with(options: Options, more: &[(&'static str, &str)]) -> Self {
        let vendors = Vendors::start_with(options).await.unwrap();
        let replicate = made(&vendors, more);
        Self { vendors, replicate }
    }

    pub fn script(&self, route: Route, steps: impl IntoIterator<Item = Step>) {
        self.vendors.script(REPLICATE, route, steps);
    }

    /// The next prediction ends so.
    pub fn ends(&self, end: End) {
        self.script(Route::CreatePrediction, [Step::Run(Run { end, ..Run::default() })]);
    }
}

pub fn made(vendors: &Vendors, more: &[(&'static str, &str)]) -> Replicate {
    let settings = LoadOptions::default()
        .with("providers.replicate.base_url", format!("{}/v1", vendors.url_of(REPLICATE)))
        .with("providers.replicate.api_key", "a-key")
        .with("providers.replicate.owner", vendor_standins::USER)
        .with("providers.replicate.output_hosts", "127.0.0.1")
        .with("providers.replicate.timeout_ms", "2000")
        .with("providers.replicate.price_per_compute_second", "0.001")
        .with("outbound.allow_hosts", "127.0.0.1");
    let settings = more.iter().fold(settings, |settings, (key, value)| settings.with(key, *value));
    let settings = Settings::load(&settings).unwrap_or_else(|problems| panic!("{problems}"));
    let vendor = settings.vendors.iter().find(|vendor| vendor.name == "replicate").unwrap();
    let outbound = Outbound::new(&settings.outbound).unwrap();
    let is_accompanist = settings.capabilities.of("accompaniment").is_some_and(|names| names.contains(&vendor.name));
    Replicate::new(&outbound, vendor, settings.http.public_url.as_ref(), is_accompanist).unwrap()
}

pub fn correlation() -> String {
    OutsideCallId::new(Utc::now(), random10()).to_string()
}

pub fn music() -> Value {
    PredictionRequest::new(&ModelRef::musicgen(), json!({"prompt": "folk", "duration": 2, "seed": 0})).to_json()
}

pub fn speech() -> Value {
    let input = json!({"prompt": "a paper boat", "text_temp": 0.7, "waveform_temp": 0.7});
    PredictionRequest::new(&ModelRef::bark(), input).to_json()
}

/// Looks until it is over.
pub async fn over(service: &dyn OutsideService, id: &str) -> OutsideProgress {
    testbed::eventually("the end of the work", Duration::from_secs(20), || async {
        match service.look(id).await.map_err(|failure| failure.to_string())? {
            OutsideProgress::Working { .. } => Err("it works".to_owned()),
            over => Ok(over),
        }
    })
    .await
}

pub fn alone(calls: &DirectCalls) -> ProviderCall<'_> {
    ProviderCall::alone(calls, "replicate", Duration::from_secs(30))
}

/// The frames a second of a WAV file and its seconds.
pub fn wav(audio: &AudioInput) -> (u32, f64) {
    let mut bytes = Vec::new();
    audio.reopen().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(&bytes[..4], b"RIFF");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(24), f64::from(number(40)) / f64::from(number(28)))
}
