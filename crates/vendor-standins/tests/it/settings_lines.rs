//! The settings that are printed are settings.

use settings::{LoadOptions, Settings};
use vendor_standins::{Vendor, Vendors};

#[tokio::test]
async fn they_are_taken_as_they_are_printed() {
    let vendors = Vendors::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("descant.toml");
    std::fs::write(&path, vendors.settings()).unwrap();
    let taken = Settings::load(&LoadOptions { file: Some(path), ..LoadOptions::default() });
    let taken = taken.unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<&str> = taken.vendors.iter().map(|vendor| vendor.name.as_str()).collect();
    assert_eq!(names, ["anthropic", "elevenlabs", "ml_model", "openai", "replicate", "stand_in_speech"]);
    assert!(
        taken
            .vendors
            .iter()
            .all(|vendor| vendor.base_url.as_str().starts_with(&vendors.url()) && vendor.api_key.is_some())
    );
    assert_eq!(taken.moderation.url.as_str(), format!("{}/v1", vendors.url_of(Vendor::OpenAi)));
}
