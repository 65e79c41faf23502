//! A sung vocal over a simple accompaniment: chords that fit the melody, played by instruments, mixed under the voice.

use engine::lyrics::Lyrics;
use media::Mix;
use music::{
    Melody,
    harmony::{self, Accompaniment, Style},
    musicxml::{Score, ScoreSyllable, Syllabic},
};
use soundfont::{FontError, Instruments};

use crate::song::MAX_DBTP;

/// Loudness of a song with backing (EBU R128 integrated, LUFS): what music services play songs at.
pub const BACKED_LUFS: f64 = -14.0;

/// A vocal with its backing. The vocal alone stays with whoever gave it.
pub struct Backed {
    pub accompaniment: Accompaniment,
    /// Name of the font that played, or `built-in`.
    pub instruments: String,
    /// Interleaved stereo, as long as the vocal or the melody.
    pub mix: Mix,
}

/// Accompanies a vocal that was sung to a melody, in a style that suits the genre. `None` for a melody without notes.
/// The same seed gives the same sound. Blocking: some 20 ms for each second of sound.
///
/// # Errors
/// [`FontError::Rendering`] for a vocal that is too long or at an odd rate.
pub fn accompany(
    melody: &Melody,
    vocal: &[f32],
    sample_rate_hz: u32,
    genre: Option<&str>,
    seed: u64,
    instruments: &Instruments,
) -> Result<Option<Backed>, FontError> {
    let style = Style::for_genre(genre, melody.rhythm.meter);
    let Some(accompaniment) = harmony::accompany(melody, style, seed) else { return Ok(None) };
    let sung_seconds = vocal.len() as f64 / f64::from(sample_rate_hz.max(1));
    let last_chord = accompaniment.chords.last().map_or(0.0, |span| span.end_seconds);
    let played = instruments.render(&accompaniment.parts, sung_seconds.max(last_chord), sample_rate_hz)?;
    let mix = media::mix(vocal, &played, sample_rate_hz, BACKED_LUFS, MAX_DBTP);
    Ok(Some(Backed { accompaniment, instruments: instruments.name().to_owned(), mix }))
}

/// The song as a standard MIDI file: the melody with its syllables, and the accompaniment's parts where it has one.
pub fn song_midi(melody: &Melody, lyrics: &Lyrics, accompaniment: Option<&Accompaniment>) -> Vec<u8> {
    let syllables: Vec<(usize, &str)> =
        lyrics.lines.iter().flat_map(|line| &line.syllables).map(|s| (s.note, s.text.as_str())).collect();
    music::midi::write_song(melody, Some(&syllables), accompaniment)
}

/// The song as a MusicXML score: notes on the singer's beats, syllables under them, chords above where it has any.
pub fn song_score(melody: &Melody, lyrics: &Lyrics, accompaniment: Option<&Accompaniment>) -> String {
    let syllables: Vec<ScoreSyllable<'_>> = lyrics
        .lines
        .iter()
        .flat_map(|line| {
            line.syllables.iter().enumerate().map(|(index, syllable)| {
                let shares_word = |other: Option<usize>| {
                    other.and_then(|at| line.syllables.get(at)).is_some_and(|s| s.word_index == syllable.word_index)
                };
                let syllabic = Syllabic::new(shares_word(index.checked_sub(1)), shares_word(Some(index + 1)));
                ScoreSyllable { note: syllable.note, text: &syllable.text, syllabic }
            })
        })
        .collect();
    let chords = accompaniment.map_or(&[][..], |song| &song.chords);
    music::musicxml::write(&Score { title: &lyrics.title, melody, syllables: &syllables, chords })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hummed_tune_is_accompanied_under_its_voice() {
        let tune = engine::sample::hummed_tune();
        let melody = engine::extract_melody(&tune.samples, tune.sample_rate_hz, &mut |_| {}).unwrap();
        let instruments = Instruments::built_in().unwrap();
        for genre in [None, Some("pop"), Some("rock"), Some("folk")] {
            let backed =
                accompany(&melody, &tune.samples, tune.sample_rate_hz, genre, 1, &instruments).unwrap().unwrap();
            let Mix { samples, loudness, voice_over_backing_lu, .. } = &backed.mix;
            let (lufs, peak) = (loudness.integrated_lufs.unwrap(), loudness.true_peak_dbtp.unwrap());
            let apart = voice_over_backing_lu.unwrap();
            println!(
                "{genre:?}: {lufs:.1} LUFS, {peak:.1} dBTP, voice {apart:.1} LU over the backing, consonance {:.2}",
                backed.accompaniment.consonance
            );
            assert!((lufs - BACKED_LUFS).abs() <= 0.5 && peak <= MAX_DBTP && (8.0..=10.0).contains(&apart));
            assert!(backed.accompaniment.consonance >= 0.65);
            assert!(samples.len() >= 2 * tune.samples.len());
        }
        assert!(accompany(&Melody::default(), &[], 44_100, None, 1, &instruments).unwrap().is_none());
    }

    #[test]
    fn score_and_midi_carry_every_syllable() {
        let tune = engine::sample::hummed_tune();
        let melody = engine::extract_melody(&tune.samples, tune.sample_rate_hz, &mut |_| {}).unwrap();
        let lyrics = engine::write_lyrics(&melody, &engine::LyricsRequest::default()).unwrap();
        let song = harmony::accompany(&melody, Style::Pop, 1).unwrap();
        let score = song_score(&melody, &lyrics, Some(&song));
        assert_eq!(score.matches("<syllabic>").count(), lyrics.syllable_count());
        assert!(score.contains("<harmony>") && !song_score(&melody, &lyrics, None).contains("<harmony>"));
        assert!(song_midi(&melody, &lyrics, Some(&song)).len() > song_midi(&melody, &lyrics, None).len());
    }
}
