//! Lyrics recited by somebody who only speaks, and brought onto the melody: flite says them, and everything that a reciter
//! may do wrong.

#[allow(dead_code)]
#[path = "../../../speech/tests/it/common/mod.rs"]
mod common;

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use common::{TEXT, song, words_of};
use domain::{FailureClass, FailureCode};
use lyrics::Lyrics;
use pitch::pitch_agreement;
use providers::{
    AudioInput, CallLimits, CallScope, Chain, DirectCalls, Guard, Need, Parking, ProgressSink, ProviderCall, Reciter,
    SpokenSinger, Stop, Terms, Version, Vocal, VocalSynthesizer, no_progress,
};
use resilience::{BreakerRegistry, BreakerSettings, Bulkhead};
use telemetry::Metrics;
use tokio::sync::Semaphore;
use voice::{Speaker as _, Voice, VoiceOptions};

/// What a reciter does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Says,
    /// Says the words of somebody else.
    Babbles,
    Hums,
    IsSilent,
    TooShort,
    IsNoSound,
    Parks,
    Refuses,
}

/// Speaks with flite. What it does goes by the call's purpose; the rest it says.
struct Talker {
    lyrics: Lyrics,
    most_chars: usize,
    varies: bool,
    manners: Vec<(&'static str, Manner)>,
    asked: Mutex<Vec<String>>,
    texts: Mutex<Vec<String>>,
}

impl Talker {
    fn new(lyrics: &Lyrics, most_chars: usize, manners: &[(&'static str, Manner)]) -> Arc<Self> {
        Arc::new(Self::of(lyrics, most_chars, manners))
    }

    fn of(lyrics: &Lyrics, most_chars: usize, manners: &[(&'static str, Manner)]) -> Self {
        Self {
            lyrics: lyrics.clone(),
            most_chars,
            varies: true,
            manners: manners.to_vec(),
            asked: Mutex::default(),
            texts: Mutex::default(),
        }
    }

    fn says(&self, text: &str) -> Vec<f32> {
        let mut samples = vec![0.0; 4_000];
        for line in text.trim_end_matches('.').split(",\n") {
            let line = self.lyrics.lines.iter().find(|own| own.text == line).expect("a line of the song");
            samples.extend(common::flite().say(Voice::Slt, &words_of(line)).expect("said").samples);
            samples.extend([0.0; 3_000]);
        }
        samples
    }
}

fn wav(samples: &[f32], rate_hz: u32) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    let length = 2 * samples.len() as u32;
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((2 * rate_hz).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|s| ((s.clamp(-1.0, 1.0) * 32_767.0).round() as i16).to_le_bytes()));
    bytes
}

#[async_trait]
impl Reciter for Talker {
    fn most_chars(&self) -> usize {
        self.most_chars
    }

    fn varies(&self) -> bool {
        self.varies
    }

    async fn recite(
        &self,
        text: &str,
        language: &str,
        purpose: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<AudioInput, Stop> {
        call.slot.take_again(call.ends_at).await?;
        assert_eq!(language, "en");
        assert!(text.chars().count() <= self.most_chars, "{text}");
        self.asked.lock().unwrap().push(purpose.to_owned());
        self.texts.lock().unwrap().push(text.to_owned());
        let manner = self.manners.iter().find(|(own, _)| *own == purpose).map_or(Manner::Says, |(_, manner)| *manner);
        let tone = |hz: f32, level: f32| {
            (0..80_000).map(|i| level * (hz * std::f32::consts::TAU * i as f32 / 16_000.0).sin()).collect::<Vec<f32>>()
        };
        progress(0.5);
        let bytes = match manner {
            Manner::Says => wav(&self.says(text), 16_000),
            Manner::Babbles => {
                let other =
                    self.lyrics.lines.iter().rev().map(|line| line.text.as_str()).find(|line| !text.contains(line));
                wav(&self.says(&format!("{},\n{}", other.unwrap(), other.unwrap())), 16_000)
            }
            Manner::Hums => wav(&tone(140.0, 0.3), 16_000),
            Manner::IsSilent => wav(&tone(140.0, 0.001), 16_000),
            Manner::TooShort => wav(&[0.5; 800], 16_000),
            Manner::IsNoSound => b"<html>busy</html>".to_vec(),
            Manner::Parks => {
                let until = Utc::now() + TimeDelta::seconds(30);
                return Err(Stop::Parked(Parking { until, waits_for: purpose.to_owned(), is_unanswered: false }));
            }
            Manner::Refuses => {
                let failure = domain::Failure::new(FailureClass::Content, FailureCode::ContentRejected, "no");
                return Err(Stop::Failed(failure));
            }
        };
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        Ok(AudioInput::new(file).unwrap())
    }
}

async fn sung(talker: &Arc<Talker>, melody: &music::Melody, progress: ProgressSink) -> Result<Vocal, Stop> {
    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "talker", Duration::from_secs(600));
    let singer = SpokenSinger::new(talker.clone(), "somebody".into(), Arc::new(Semaphore::new(1)));
    singer.sing(melody, &talker.lyrics, &VoiceOptions::default(), progress, &call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recited_is_sung() {
    let (melody, lyrics) = song(&TEXT[..5], 57);
    let talker = Talker::new(&lyrics, 75, &[("recital/1", Manner::IsNoSound)]);
    let heard = Arc::new(Mutex::new(vec![0.0]));
    let sink = heard.clone();
    let vocal = sung(&talker, &melody, Arc::new(move |done| sink.lock().unwrap().push(done))).await.unwrap();
    assert_eq!(vocal.performance.voice, "somebody");
    assert_eq!(vocal.performance.syllables_placed, lyrics.syllable_count());
    let agreement = pitch_agreement(&vocal.samples, vocal.sample_rate_hz, &vocal.performance.target);
    assert!(agreement.within_50 >= 0.95, "{agreement:?}");
    let loudness = media::measure_loudness(&vocal.samples, vocal.sample_rate_hz, 1);
    println!("{agreement:?}, {loudness:?}");
    assert!(loudness.integrated_lufs.is_some_and(|lufs| (-19.0..-14.5).contains(&lufs)), "{loudness:?}");
    assert_eq!(*talker.asked.lock().unwrap(), ["recital/0", "recital/1", "recital/1/again", "recital/2"]);
    let texts = talker.texts.lock().unwrap();
    assert_eq!(texts[0], format!("{},\n{}.", TEXT[0], TEXT[1]));
    assert_eq!(texts[3], format!("{}.", TEXT[4]));
    let heard = heard.lock().unwrap();
    assert!(heard.windows(2).all(|pair| pair[0] <= pair[1]) && heard.last() == Some(&1.0), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_part_is_recited_once_more_and_then_given_up() {
    let (melody, lyrics) = song(&TEXT[..4], 57);
    let check = async |first: Manner, then: Manner, reason: Option<&str>| {
        let talker = Talker::new(&lyrics, 80, &[("recital/0", first), ("recital/0/again", then)]);
        let outcome = sung(&talker, &melody, no_progress()).await;
        let asked = talker.asked.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|purpose| *purpose == "recital/0/again").count(), 1, "{first:?} {asked:?}");
        assert!(asked.len() <= 3, "{asked:?}");
        match (outcome, reason) {
            (Ok(vocal), None) => assert_eq!(vocal.performance.syllables_placed, lyrics.syllable_count()),
            (Err(Stop::GivenUp(failure)), Some(reason)) => {
                assert!(failure.message.contains(reason), "{first:?}: {}", failure.message);
                assert_eq!(failure.class, FailureClass::Transient);
            }
            (outcome, _) => panic!("{first:?} then {then:?}: {:?}", outcome.err()),
        }
    };
    check(Manner::IsSilent, Manner::Says, None).await;
    check(Manner::Babbles, Manner::Says, None).await;
    check(Manner::IsSilent, Manner::TooShort, Some("0.1 s long")).await;
    check(Manner::IsNoSound, Manner::IsNoSound, Some("cannot be decoded")).await;
    check(Manner::Babbles, Manner::Babbles, Some("were not found in what was spoken")).await;
    check(Manner::Hums, Manner::Hums, Some("were not found in what was spoken")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_part_is_waited_for_the_others_are_asked_for() {
    let (melody, lyrics) = song(&TEXT[..4], 57);
    let talker = Talker::new(&lyrics, 40, &[("recital/0", Manner::Parks), ("recital/2", Manner::Parks)]);
    match sung(&talker, &melody, no_progress()).await {
        Err(Stop::Parked(parking)) => assert_eq!(parking.waits_for, "recital/0"),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(talker.asked.lock().unwrap().len(), 4);
    let refused = Talker::new(&lyrics, 40, &[("recital/1", Manner::Refuses)]);
    let stop = sung(&refused, &melody, no_progress()).await.err();
    assert!(matches!(stop, Some(Stop::Failed(failure)) if failure.code == FailureCode::ContentRejected));
    assert_eq!(*refused.asked.lock().unwrap(), ["recital/0", "recital/1"]);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_not_asked_for() {
    let (melody, lyrics) = song(&TEXT[..2], 57);
    let talker = Talker::new(&lyrics, 20, &[]);
    assert!(matches!(sung(&talker, &melody, no_progress()).await, Err(Stop::NotAsked(_))));
    assert!(talker.asked.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_the_same_again_is_not_asked_again() {
    let (melody, lyrics) = song(&TEXT[..4], 57);
    for manner in [Manner::IsSilent, Manner::Babbles] {
        let talker = Arc::new(Talker { varies: false, ..Talker::of(&lyrics, 80, &[("recital/0", manner)]) });
        assert!(matches!(sung(&talker, &melody, no_progress()).await, Err(Stop::GivenUp(_))), "{manner:?}");
        let asked = talker.asked.lock().unwrap();
        assert!(asked.iter().all(|purpose| !purpose.ends_with("again")), "{manner:?}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_may_have_the_slot_while_we_sing() {
    let (melody, lyrics) = song(&TEXT[..4], 57);
    let talker = Talker::new(&lyrics, 80, &[("recital/0", Manner::Babbles)]);
    let (slots, metrics) = (Bulkhead::new("talker", 1), Metrics::new("test"));
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    let guard = Guard::new("talker", "vocals", &breakers).sharing(slots.clone());
    let mut chain: Chain<dyn VocalSynthesizer> = Chain::new("vocals", CallLimits::default(), metrics);
    let singer = SpokenSinger::new(talker.clone(), "somebody".into(), Arc::new(Semaphore::new(1)));
    chain.push("talker", Terms::elsewhere(Version::Known("1".to_owned()), guard), Arc::new(singer));
    // Whether it sings already, and how many slots are in use then. Reciting is 0.7 of the progress.
    let noted: Arc<Mutex<Vec<(bool, usize)>>> = Arc::default();
    let (sink, seen) = (noted.clone(), slots.clone());
    let progress: ProgressSink = Arc::new(move |done| sink.lock().unwrap().push((done > 0.6, seen.in_use())));
    let calls = DirectCalls::default();
    let (melody, lyrics, voice, progress) = (&melody, &talker.lyrics, &VoiceOptions::default(), &progress);
    let sung = chain
        .call(CallScope::new(&calls, Duration::from_secs(600)), &Need::default(), |singer, call| async move {
            singer.sing(melody, lyrics, voice, progress.clone(), &call).await
        })
        .await;
    assert!(sung.is_ok(), "{:?}", sung.err());
    assert!(talker.asked.lock().unwrap().iter().any(|purpose| purpose == "recital/0/again"), "a part is said again");
    let noted = noted.lock().unwrap();
    assert!(noted.contains(&(false, 1)) && noted.contains(&(true, 0)), "{noted:?}");
    assert!(noted.iter().all(|(sings, in_use)| *in_use == usize::from(!sings)), "{noted:?}");
    assert_eq!(slots.in_use(), 0);
}
