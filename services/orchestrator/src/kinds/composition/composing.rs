//! Has the song composed, and draws it. The words of the request are admitted first: nothing is paid for that must not be made.
//! A model that is asked for by name is had of its provider, in the version that the job got first.

use arrangement::{Composers, Made, SoundSong};
use async_trait::async_trait;
use domain::{Failure, StageName, artifact, kinds::composition, kinds::composition::CompositionRequest};
use providers::{AudioInput, ComposedSong, Need, Stop, blocking};
use serde_json::{Value, json};
use song::WordsElsewhere;

use super::{model, work};
use crate::{
    kinds::delivered::{CAME_AS_SOUND, DELIVERED},
    stage::{ReuseKey, Stage, StageOutcome, StageRun},
};

pub struct Composing;

#[async_trait]
impl Stage for Composing {
    fn name(&self) -> StageName {
        composition::COMPOSING
    }

    /// Everything that is asked for, and who composes.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        let mut request: CompositionRequest = run.request()?;
        let model = model::of(run, &request).await?;
        let need = Need { model: model::choice(run, model.as_ref()).await?, ..arrangement::composition_need(&request) };
        let Some((provider, version)) = run.tools.capabilities.compositions.preferred(&need).await else {
            return Ok(None);
        };
        // What the sound is written as changes nothing here.
        request.options.stems = false;
        request.options.formats.clear();
        request.options.output_format = Default::default();
        let words = run.tools.capabilities.content.version();
        let mut inputs = vec![json!(&*provider), json!(version), json!(words), json!(request)];
        if request.is_sung() {
            // Who writes the words where a service sings them.
            let need = Need { language: request.options.language, ..Need::default() };
            let writer = run.tools.capabilities.lyrics.preferred(&need).await;
            inputs.push(json!(writer.map(|(provider, version)| format!("{provider} {version}"))));
        }
        inputs.extend(model.map(|model| json!(model)));
        let inputs = Value::Array(inputs);
        Ok(Some(ReuseKey { inputs, provider: Some(provider) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let request: CompositionRequest = run.request()?;
        let capabilities = &run.tools.capabilities;
        capabilities.content.admit(&request.texts(), run.remaining).await?;
        run.report_progress(0.2);
        let model = model::of(run, &request).await?;
        let choice = model::choice(run, model.as_ref()).await?;
        let words = WordsElsewhere::new(capabilities, &run.tools.gate, &request);
        let (chain, content) = (&capabilities.compositions, &*capabilities.content);
        let composers = Composers { chain, content, words: Some(&words) };
        let made = arrangement::compose_with(&composers, run.calls(), &request, choice).await?;
        run.report_progress(0.8);
        let mut detail = match made.value {
            Made::Notes(song) => keep_notes(run, *song).await?,
            Made::Sound(song, sound) => keep_sound(run, &song, &sound).await?,
        };
        if let Some(model) = model {
            detail[work::MODEL] = serde_json::to_value(model).unwrap_or_default();
        }
        StageOutcome::done(Some(made.provider.to_string()), detail)
    }
}

/// What a service delivered as sound, as it came: later jobs may want it in other formats.
async fn keep_sound(run: &StageRun<'_>, song: &SoundSong, sound: &AudioInput) -> Result<Value, Stop> {
    run.put_file(DELIVERED, sound.reopen()?, &song.media_type).await?;
    run.put_json(work::SOUND_SONG, song).await?;
    if !song.lines.is_empty() {
        let (text, lrc) = (arrangement::lines_as_text(&song.lines), arrangement::lines_as_lrc(&song.lines));
        run.put_bytes(work::LYRICS_TEXT, text.into_bytes(), artifact::LYRICS.media_type).await?;
        run.put_bytes(work::LYRICS_LRC, lrc.into_bytes(), artifact::LYRICS.media_type).await?;
    }
    Ok(json!({ CAME_AS_SOUND: true, "seconds": song.seconds }))
}

async fn keep_notes(run: &StageRun<'_>, song: ComposedSong) -> Result<Value, Stop> {
    let (song, midi, picture) = blocking(move || {
        let (midi, picture) = (music::smf::write(&song.score), arrangement::roll(&song));
        (song, midi, picture)
    })
    .await?;
    run.put_bytes(work::SONG_MIDI, midi, artifact::MELODY_MIDI.media_type).await?;
    run.put_bytes(work::SONG_SVG, picture.into_bytes(), artifact::MELODY_SVG.media_type).await?;
    run.put_json(work::COMPOSED, &song).await?;
    Ok(json!({
        "style": song.effective.style,
        "tempoBpm": song.effective.tempo_bpm,
        "key": song.effective.key.to_string(),
        "form": song.effective.form,
        "seconds": song.seconds,
    }))
}
