//! The documents that go with a song: words, scores, a picture.

use lyrics::Lyrics;
use music::{
    Melody,
    harmony::ChordSpan,
    musicxml::{self, Score},
};
use picture::SongPicture;

use crate::{Backing, Song};

/// Everything but the sound and the report.
pub struct Documents {
    /// Title, a blank line, the lines under the names of their parts.
    pub lyrics: String,
    /// A standard MIDI file: the melody with its syllables, and the parts of the backing.
    pub midi: Vec<u8>,
    pub musicxml: String,
    /// F0, notes and syllables, with the F0 that was really sung over the one that was hummed.
    pub svg: String,
}

/// Writes them all. Blocking: tracks the F0 of the whole sound.
pub fn documents(song: &Song<'_>) -> Documents {
    let Song { melody, lyrics, backing, .. } = *song;
    Documents {
        lyrics: lyrics_text(lyrics),
        midi: midi(melody, lyrics, backing),
        musicxml: score(melody, lyrics, backing),
        svg: picture(song),
    }
}

/// The lyrics as people read them.
pub fn lyrics_text(lyrics: &Lyrics) -> String {
    format!("{}\n\n{}", lyrics.title, lyrics.text_with_sections())
}

fn chords(backing: Option<&Backing>) -> &[ChordSpan] {
    backing.map_or(&[], Backing::chords)
}

fn midi(melody: &Melody, lyrics: &Lyrics, backing: Option<&Backing>) -> Vec<u8> {
    let syllables: Vec<(usize, &str)> =
        lyrics.lines.iter().flat_map(|line| &line.syllables).map(|s| (s.note, s.text.as_str())).collect();
    let parts = backing.map(Backing::parts).unwrap_or_default();
    music::midi::write_song(melody, Some(&syllables), &parts)
}

fn score(melody: &Melody, lyrics: &Lyrics, backing: Option<&Backing>) -> String {
    let syllables = lyrics.score_syllables();
    musicxml::write(&Score { title: &lyrics.title, melody, syllables: &syllables, chords: chords(backing) })
}

fn picture(song: &Song<'_>) -> String {
    let Song { melody, lyrics, heard, backing, .. } = *song;
    const ENVELOPE_BUCKETS: usize = 1200;
    let sung = pitch::f0::track(heard.samples, heard.sample_rate_hz);
    let envelope = media::waveform_peaks(heard.samples, ENVELOPE_BUCKETS);
    picture::draw_song_svg(&SongPicture {
        melody,
        lyrics: Some(lyrics),
        sung: Some(&sung),
        envelope: &envelope,
        chords: chords(backing),
    })
}
