//! Music and speech as sound.

use std::io::{Read, Write};

use compose::Options as SongOptions;
use domain::FailureClass;
use music::{MidiPitch, Note};
use providers::{
    Accompanied, AccompanimentOrder, Accompanist as _, AudioInput, Composed, DirectCalls, ModelChoice, OutsideService,
    ProviderCall, Reciter, SongComposer, SongRequest, Stop, no_progress, vendors::replicate::ModelRef,
};
use vendor_standins::{End, Route, Sound, Step};

use super::setting::{REPLICATE, Setting, alone, wav};

#[tokio::test]
async fn music_is_composed_as_long_as_was_asked_for() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let options = SongOptions { seconds: Some(5.0), ..SongOptions::default() };
    let asked = SongRequest::new("a walk by the sea", &options);
    let Composed::Sound(sound) = composer.compose(&asked, &alone(&calls)).await.unwrap() else {
        panic!("MusicGen makes sound")
    };
    assert_eq!(wav(&sound), (32_000, 5.0));
    let abilities = setting.replicate.abilities("compositions");
    assert!(abilities.never_sings && abilities.longest_seconds == Some(30.0));
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn a_model_by_name_is_the_one_that_is_asked() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let asked = async |version: &str| {
        let model = ModelChoice { name: "mine".into(), provider: "replicate".into(), version: version.into() };
        let call = ProviderCall { model: Some(model), ..alone(&calls) };
        let options = SongOptions { seconds: Some(2.0), ..SongOptions::default() };
        composer.compose(&SongRequest::new("folk", &options), &call).await
    };
    asked(&ModelRef::musicgen().to_string()).await.unwrap();
    for invented in ["f".repeat(64), "mine".to_owned(), "descant/none:1".to_owned()] {
        let Err(Stop::Failed(failure)) = asked(&invented).await else { panic!("{invented} is nobody's version") };
        assert!(matches!(failure.class, FailureClass::Config | FailureClass::Caller), "{failure}");
    }
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn words_are_spoken_and_never_too_many() {
    let setting = Setting::new().await;
    let reciter = setting.replicate.reciter().unwrap();
    let calls = DirectCalls::default();
    let heard = reciter.recite("a paper boat goes by", "en", "line 1", &no_progress(), &alone(&calls)).await.unwrap();
    let (rate, seconds) = wav(&heard);
    assert!(rate == 24_000 && seconds > 0.5, "{rate} {seconds}");
    let long = "la ".repeat(100);
    assert!(long.len() > reciter.most_chars());
    assert!(reciter.recite(&long, "en", "line 2", &no_progress(), &alone(&calls)).await.is_err());
    assert_eq!(setting.vendors.ledger().len(), 1);
}

#[tokio::test]
async fn what_is_no_sound_is_handed_on_as_it_came() {
    let setting = Setting::new().await;
    setting.ends(End::Audio(Sound::NotAudio));
    let reciter = setting.replicate.reciter().unwrap();
    let calls = DirectCalls::default();
    let heard = reciter.recite("a boat", "en", "line 1", &no_progress(), &alone(&calls)).await.unwrap();
    let mut text = String::new();
    heard.reopen().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.starts_with("<!doctype html>"), "whoever decodes it finds that out");
}

#[tokio::test]
async fn a_melody_goes_along_or_is_uploaded_before() {
    let setting = Setting::new().await;
    let composer = setting.replicate.composer().unwrap();
    let calls = DirectCalls::default();
    let recording = |bytes: usize| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"RIFF").unwrap();
        file.write_all(&vec![0; bytes]).unwrap();
        AudioInput::new(file).unwrap()
    };
    composer.play("folk", 2.0, Some(&recording(1000)), "small", &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateFile), 0);
    composer.play("folk", 2.0, Some(&recording(300_000)), "large", &alone(&calls)).await.unwrap();
    assert_eq!(setting.vendors.asked(REPLICATE, Route::CreateFile), 1);
    setting.script(Route::CreateFile, [Step::Reset { after_work: true }]);
    let failed = composer.play("folk", 2.0, Some(&recording(300_000)), "again", &alone(&calls)).await;
    assert!(matches!(failed, Err(Stop::Failed(_))), "nothing was asked for, so it may be asked again");
    assert_eq!(setting.vendors.ledger().len(), 2);
}

/// A tune that is too long to go along inside a request.
fn order(seconds: f64) -> AccompanimentOrder {
    let pitches = [60, 62, 64, 67, 64, 62];
    let note = |place: u32| Note {
        onset_seconds: 1.0 + 0.5 * f64::from(place),
        duration_seconds: 0.45,
        pitch: MidiPitch::new(pitches[place as usize % pitches.len()]),
        cents: 0.0,
        velocity: 80,
    };
    let notes = (0..(2.0 * seconds) as u32 - 4).map(note).collect();
    AccompanimentOrder { description: vec!["folk".to_owned()], seconds, notes }
}

#[tokio::test]
async fn a_tune_is_followed_and_an_answer_that_was_lost_is_found_without_another_upload() {
    let setting = Setting::new().await;
    assert_eq!(setting.replicate.trainer().unwrap().provider(), "replicate/trainings");
    let player = setting.replicate.composer().unwrap();
    assert!(setting.replicate.abilities("accompaniment").needs_melody);
    let calls = DirectCalls::default();
    setting.script(Route::CreatePrediction, [Step::Reset { after_work: true }]);
    let order = order(19.4);
    let Accompanied::Sound(sound) = player.accompany(&order, &alone(&calls)).await.unwrap() else {
        panic!("MusicGen makes sound")
    };
    assert_eq!((setting.vendors.ledger().len(), setting.vendors.asked(REPLICATE, Route::CreateFile)), (1, 1));
    assert_eq!(wav(&sound), (32_000, 20.0), "in whole seconds");
    let bounds = media::Bounds::for_duration(60.0);
    let heard = media::decode_mono(sound.reopen().unwrap(), 32_000, &bounds).unwrap();
    let agreement = pitch::tune_agreement(&heard.samples, 32_000, &order.notes);
    assert!(agreement.as_sung > 2.0 * agreement.transposed, "{agreement:?}");
    assert!(agreement.as_sung > agreement.displaced, "{agreement:?}");
}
