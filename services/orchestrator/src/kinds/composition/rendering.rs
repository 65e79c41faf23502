//! Plays the song to the frame as long as it was asked for, lays the voice over it where there is one, and writes it down as
//! sound. What a service delivered as sound is brought to the same length and loudness.

use std::io::Cursor;

use arrangement::{
    FinishedSound, Rendering as How, SoundSong, SoundSummary, VOICE, composed_stems, cover, render_exactly, with_voice,
};
use async_trait::async_trait;
use bytes::Bytes;
use domain::{
    ExtraFormat, Failure, StageName,
    kinds::composition::{self, CompositionRequest, MOST_MS, SPEC},
};
use media::Bounds;
use providers::{AccompanimentPlayer, ComposedSong, ENGINE_VERSION, Stop, blocking, font_failure};
use serde_json::json;

use super::work;
use crate::{
    kinds::{
        delivered::DELIVERED,
        played::{self, Album, Played, Playing, Sound},
    },
    stage::{ReuseKey, Stage, StageOutcome, StageRun},
};

pub struct Rendering;

#[async_trait]
impl Stage for Rendering {
    fn name(&self) -> StageName {
        composition::RENDERING
    }

    /// The song, the voice, what it is written as, and the instruments.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let request = run.request::<CompositionRequest>()?;
        let seconds = arrangement::asked_seconds(&request);
        let options = request.options;
        if let Some(sound) = run.object_sha256(DELIVERED) {
            let inputs = json!([ENGINE_VERSION, sound, seconds, options.stems, options.formats]);
            return Ok(Some(ReuseKey { inputs, provider: None }));
        }
        let Some(song) = run.object_sha256(work::COMPOSED) else { return Ok(None) };
        let voice = run.object_sha256(work::VOCALS);
        let font = played::font_key(run.tools.capabilities.accompaniment.clone()).await?;
        let inputs = json!([ENGINE_VERSION, font, song, voice, options.stems, options.formats]);
        Ok(Some(ReuseKey { inputs, provider: None }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: CompositionRequest = run.request()?;
        if work::came_as_sound(run.done) {
            return delivered(run, request).await;
        }
        let song: ComposedSong = run.get_json(work::COMPOSED).await?;
        let voice = if request.is_sung() { Some(run.get_bytes(work::VOCALS).await?) } else { None };
        let (playing, _wanted) = Playing::new(run.progress.clone());
        let work = Work {
            song,
            voice,
            keep_stems: request.options.stems,
            formats: request.options.formats,
            player: run.tools.capabilities.accompaniment.clone(),
            playing,
        };
        let played = blocking(move || work.play()).await??;
        played::keep(run, played).await
    }
}

/// What a service delivered, as every song is.
async fn delivered(run: &StageRun<'_>, request: CompositionRequest) -> Result<StageOutcome, Stop> {
    let song: SoundSong = run.get_json(work::SOUND_SONG).await?;
    let sound = run.get_file(DELIVERED).await?;
    let (playing, _wanted) = Playing::new(run.progress.clone());
    let asked_seconds = arrangement::asked_seconds(&request);
    let options = request.options;
    let played = blocking(move || {
        let heard = &mut |share| playing.heard(share);
        let finished = song.finished(sound, asked_seconds, options.stems, heard)?;
        let summary = finished.summary();
        let FinishedSound { mut master, cover, warnings } = finished;
        let album = Album { spec: &SPEC, title: &song.title, cover, formats: &options.formats, stems: &[] };
        album.written(&mut master, Sound { summary, warnings }, &playing)
    })
    .await??;
    played::keep(run, played).await
}

struct Work {
    song: ComposedSong,
    /// As WAV.
    voice: Option<Bytes>,
    keep_stems: bool,
    formats: Vec<ExtraFormat>,
    player: AccompanimentPlayer,
    playing: Playing,
}

impl Work {
    fn play(self) -> Result<Played, Failure> {
        let score = &self.song.score;
        let stems = composed_stems(&self.song, self.voice.is_some());
        let instruments = self.player.instruments().map_err(|error| font_failure(&error))?;
        // Jobs run beside each other; each has one core.
        let how = How { keep_stems: self.keep_stems, threads: 1 };
        let mut song =
            render_exactly(instruments, score, &stems, how, self.song.seconds, &mut |share| self.playing.heard(share))?;
        if let Some(wav) = &self.voice {
            // The band's own sound goes with this.
            song = with_voice(&song, &decoded(wav)?)?;
        }
        let mut names: Vec<&str> = stems.iter().map(|stem| stem.name.as_str()).collect();
        if self.voice.is_some() {
            names.insert(0, VOICE);
        }
        let mut summary = SoundSummary::of(&song.report, &stems);
        summary.stems = names.iter().map(|name| (*name).to_owned()).collect();
        let sound = Sound { summary, warnings: song.report.warnings };
        let cover = cover(score, &stems, None);
        let album = Album { spec: &SPEC, title: &score.title, cover, formats: &self.formats, stems: &names };
        album.written(&mut song.master, sound, &self.playing)
    }
}

/// A voice out of its file.
fn decoded(wav: &Bytes) -> Result<Vec<f32>, Failure> {
    let bounds = Bounds::for_duration(f64::from(MOST_MS) / 1000.0);
    let sound = media::decode_mono(Cursor::new(wav.clone()), voice::SAMPLE_RATE_HZ, &bounds);
    Ok(sound.map_err(played::of_sound)?.samples)
}
