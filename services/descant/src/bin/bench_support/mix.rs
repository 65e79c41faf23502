//! The jobs that vendors are asked for: of every kind, each with a sentence of its own, so that no two ask a vendor for the
//! same.

use anyhow::Result;
use media::Encoding;
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde_json::json;

use super::{RATE_HZ, Recording, client::Client};

const HUM_SECONDS: f64 = 4.0;
const SONG_MS: u32 = 5_000;
/// Shorter songs have no words.
const SUNG_MS: u32 = 12_000;
const BLEND_BARS: &str = "16";
/// Two recordings of this length: a model is trained on a minute at least.
const LESSON_SECONDS: u32 = 45;
const LESSONS: u32 = 2;

/// What a job is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A sentence becomes music.
    Sentence,
    /// The same with words that are sung.
    Sung,
    /// A hummed tune becomes a song: words of a model, and a voice.
    Hum,
    /// Three songs become one, by the model that blends.
    Blend,
    /// Recordings become a model, which is tried.
    Training,
}

impl Work {
    pub const ALL: [Self; 5] = [Self::Sentence, Self::Sung, Self::Hum, Self::Blend, Self::Training];

    /// Of a hundred jobs 2 are trainings, 5 blends, 10 hums, 5 sung songs; the rest are sentences. A hum costs this machine
    /// some twenty times as much as a sentence.
    pub const fn of(number: usize) -> Self {
        match number % 100 {
            7 | 57 => Self::Training,
            n if n % 20 == 13 => Self::Blend,
            n if n % 20 == 5 => Self::Sung,
            n if n % 10 == 0 => Self::Hum,
            _ => Self::Sentence,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sentence => "sentences",
            Self::Sung => "sung songs",
            Self::Hum => "hums",
            Self::Blend => "blends",
            Self::Training => "trainings",
        }
    }

    /// Stages without which it does not complete, and that a vendor is asked for first. The trial of a new model is none.
    pub const fn vendor_stages(self) -> i32 {
        match self {
            Self::Hum => 2,
            Self::Sentence | Self::Sung | Self::Blend | Self::Training => 1,
        }
    }
}

/// What is sent along, made once.
pub struct Materials {
    hum: Recording,
    /// MIDI files.
    songs: Vec<(&'static str, Vec<u8>)>,
    lessons: Vec<Recording>,
}

impl Materials {
    pub fn new() -> Result<Self> {
        let songs = arrangement::sample_songs().into_iter().map(|song| (song.file_name, song.midi)).collect();
        let lessons = (0..LESSONS).map(lesson).collect::<Result<_>>()?;
        Ok(Self { hum: Recording::short_wav(HUM_SECONDS)?, songs, lessons })
    }

    /// Submits the job of this number; returns its id.
    pub async fn submit(&self, client: &Client, work: Work, number: usize) -> Result<String> {
        let about = about(number);
        match work {
            Work::Sentence => {
                let request = json!({ "prompt": about, "lengthMs": SONG_MS, "seed": number });
                client.submit_json("composition", &request).await
            }
            Work::Sung => {
                let request = json!({ "prompt": about, "lengthMs": SUNG_MS, "seed": number, "instrumental": false });
                client.submit_json("composition", &request).await
            }
            Work::Hum => client.submit_with(self.hum, &about).await,
            Work::Blend => {
                let form = Form::new().text("bars", BLEND_BARS).text("seed", number.to_string());
                let form = self
                    .songs
                    .iter()
                    .fold(form, |form, (name, midi)| form.part("song", Part::bytes(midi.clone()).file_name(*name)));
                client.submit_form("blend", form).await
            }
            Work::Training => {
                let form = Form::new().text("name", format!("band-{number}")).text("description", about);
                let form = self.lessons.iter().fold(form, |form, lesson| {
                    form.part("recording", Part::bytes(lesson.bytes).file_name(lesson.file_name))
                });
                client.submit_form("training", form).await
            }
        }
    }
}

fn about(number: usize) -> String {
    const THINGS: [&str; 7] =
        ["rivers", "trains at night", "a paper boat", "the first snow", "old maps", "rain", "bread"];
    format!("a calm song about {} and the number {}", THINGS[number % THINGS.len()], number + 1)
}

/// Notes that die away, one a second.
fn lesson(number: u32) -> Result<Recording> {
    let file_name = if number == 0 { "first.flac" } else { "second.flac" };
    let hertz = |second: u32| 110.0 * 2f32.powf(((second * 7 + number * 5) % 24) as f32 / 12.0);
    let tone = |frame: u32| {
        let (second, within) = (frame / RATE_HZ, frame % RATE_HZ);
        let level = 0.4 * (1.0 - within as f32 / RATE_HZ as f32);
        level * (std::f32::consts::TAU * hertz(second) * frame as f32 / RATE_HZ as f32).sin()
    };
    let samples: Vec<f32> = (0..RATE_HZ * LESSON_SECONDS).map(tone).collect();
    Recording::new(file_name, &samples, 1, Encoding::Flac)
}
