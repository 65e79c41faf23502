//! The quality gate: figures measured on a result, held against what a result must reach.

use serde::{Deserialize, Serialize};

/// Figures of one sung result. Every job's result carries them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityFigures {
    #[serde(flatten)]
    pub sound: SoundFigures,
    #[serde(flatten)]
    pub lyrics: LyricsFigures,
    pub notes: u32,
    /// Whether every field that the result's metadata must have is there.
    pub metadata_complete: bool,
}

/// What was measured on the sound of the voice.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SoundFigures {
    /// Share (0–1) of the target's voiced frames where the sung F0 lies within 50 cents of the target.
    pub pitch_within_50_cents: f64,
    /// Share (0–1) within 25 cents.
    pub pitch_within_25_cents: f64,
    /// Median absolute deviation of the sung F0 from the target, in cents.
    pub pitch_median_cents: f64,
    /// Median distance of the vowels' onsets from their notes' onsets, in ms; `None` where none was found.
    #[serde(default)]
    pub vowel_onset_median_ms: Option<f64>,
    /// Integrated loudness (EBU R128) in LUFS; `None` when nothing passed the gate of the measure.
    pub loudness_lufs: Option<f64>,
    /// True peak in dBTP; `None` for digital silence.
    pub true_peak_dbtp: Option<f64>,
    /// Share (0–1) of samples at full scale.
    pub clipped_share: f64,
    pub duration_seconds: f64,
    /// Syllables that were given a note, of all syllables of the lyrics.
    pub syllables_placed: u32,
    pub syllables: u32,
}

/// What was counted in the lyrics. Shares are 0–1.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LyricsFigures {
    /// Notes that the words are sung to; 0 where nobody has counted them.
    #[serde(default)]
    pub lyrics_notes: u32,
    pub lyrics_lines: u32,
    /// Letters and spaces, line feeds not counted.
    pub lyrics_chars: u32,
    /// Share of words that the language's pronunciation knows; 0 for a text without words.
    pub lyrics_words_known: f64,
    /// Longest run of one repeated character in the lyrics, spaces left out.
    pub lyrics_longest_run: u32,
    /// Share of the notes in phrases that carry exactly one syllable or hold the last vowel of a line.
    #[serde(default)]
    pub lyrics_syllable_match: f64,
    /// Share of neighbouring syllables of unlike stress where the stronger one has the stronger note.
    #[serde(default)]
    pub lyrics_stress_match: f64,
    /// How many such neighbours there are.
    #[serde(default)]
    pub lyrics_stress_pairs: u32,
    /// Share of lines that rhyme, at least nearly, with one close by in their section.
    #[serde(default)]
    pub lyrics_rhyme: f64,
    /// Lines that have another one close by to rhyme with, and room for it (four syllables).
    #[serde(default)]
    pub lyrics_rhyming_lines: u32,
    /// Share of the prompt's words that a song on this melody can contain that it does contain.
    #[serde(default)]
    pub lyrics_prompt_words_kept: f64,
    /// How many words those are.
    #[serde(default)]
    pub lyrics_prompt_words: u32,
    /// Share of different words in all words, function words and returning choruses left out.
    #[serde(default)]
    pub lyrics_distinct_words: f64,
}

/// What a result must reach.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityGate {
    /// How often lyrics are written and sung, each time with another seed, before the best of them is what there is; at least 1.
    pub takes: u32,
    pub min_pitch_within_50_cents: f64,
    pub max_vowel_onset_ms: f64,
    pub min_loudness_lufs: f64,
    pub max_loudness_lufs: f64,
    pub max_true_peak_dbtp: f64,
    pub max_clipped_share: f64,
    /// Of a melody with at least so many notes; fewer notes have room for one character each.
    pub min_lyrics_chars: u32,
    /// Of a melody with at least so many notes; fewer notes have room for one line each.
    pub min_lyrics_lines: u32,
    pub max_lyrics_run: u32,
    pub min_words_known: f64,
    pub min_syllable_match: f64,
    pub min_distinct_words: f64,
    pub min_stress_match: f64,
    pub min_rhyme: f64,
    pub min_prompt_words_kept: f64,
}

/// The median of fewer vowels is the glide of one "r" or "w" rather than a singer who is late.
pub const FEWEST_VOWELS: u32 = 6;
/// With fewer neighbours to compare, stress against the notes is chance rather than carelessness.
pub const FEWEST_STRESS_PAIRS: u32 = 20;
/// In one stanza the words of a long prompt may leave no room for rhymes; of more, some lines have to rhyme.
pub const FEWEST_RHYMING_LINES: u32 = 6;
/// One word or two may not go with the notes; of more, one finds its place.
pub const FEWEST_PROMPT_WORDS: u32 = 3;

impl Default for QualityGate {
    fn default() -> Self {
        Self {
            takes: 3,
            min_pitch_within_50_cents: 0.85,
            max_vowel_onset_ms: 80.0,
            min_loudness_lufs: -20.0,
            max_loudness_lufs: -12.0,
            max_true_peak_dbtp: -0.5,
            max_clipped_share: 0.0001,
            min_lyrics_chars: 10,
            min_lyrics_lines: 2,
            max_lyrics_run: 4,
            min_words_known: 0.9,
            min_syllable_match: 0.95,
            min_distinct_words: 0.3,
            // Words that know nothing of the notes come to about a half.
            min_stress_match: 0.4,
            min_rhyme: 0.2,
            // One of a dozen words, the most that are taken from a prompt.
            min_prompt_words_kept: 0.05,
        }
    }
}

/// A word for each check of the gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityCheck {
    Pitch,
    VowelOnsets,
    Silence,
    Loudness,
    TruePeak,
    Clipping,
    LyricsLength,
    LyricsLines,
    LyricsRepetition,
    LyricsWords,
    LyricsFit,
    LyricsVariety,
    LyricsStress,
    LyricsRhyme,
    LyricsPrompt,
    /// A word that must not be sung; judged where the word lists are.
    LyricsContent,
    SyllablesPlaced,
    Metadata,
}

/// A check that a result did not pass.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QualityShortfall {
    pub check: QualityCheck,
    /// A sentence with the figure and the limit.
    pub message: String,
}

impl QualityGate {
    /// All checks that `figures` do not pass; empty means that the result is good enough.
    pub fn judge(&self, figures: &QualityFigures) -> Vec<QualityShortfall> {
        let mut shortfalls = self.judge_sound(&figures.sound);
        shortfalls.extend(self.judge_lyrics(&figures.lyrics));
        let described = figures.metadata_complete && figures.notes > 0;
        hold(&mut shortfalls, described, QualityCheck::Metadata, || {
            "the description of the result is incomplete".to_owned()
        });
        shortfalls
    }

    /// The checks of the voice's sound: what another take may mend.
    pub fn judge_sound(&self, sound: &SoundFigures) -> Vec<QualityShortfall> {
        let mut shortfalls = Vec::new();
        let mut hold = |passed: bool, check, message: &dyn Fn() -> String| {
            hold(&mut shortfalls, passed, check, message);
        };
        let share = sound.pitch_within_50_cents;
        hold(share >= self.min_pitch_within_50_cents, QualityCheck::Pitch, &|| {
            let least = self.min_pitch_within_50_cents * 100.0;
            format!(
                "{:.1} % of the sung pitch lies within 50 cents of the melody; {least:.1} % is the least",
                share * 100.0
            )
        });
        let onset_ms = sound.vowel_onset_median_ms.unwrap_or(0.0);
        let says_nothing = sound.syllables < FEWEST_VOWELS;
        hold(says_nothing || onset_ms <= self.max_vowel_onset_ms, QualityCheck::VowelOnsets, &|| {
            format!(
                "vowels begin {onset_ms:.0} ms beside their notes (median); {:.0} ms is the most",
                self.max_vowel_onset_ms
            )
        });
        match sound.loudness_lufs {
            None => hold(false, QualityCheck::Silence, &|| "the result is silent".to_owned()),
            Some(lufs) => {
                let range = self.min_loudness_lufs..=self.max_loudness_lufs;
                hold(range.contains(&lufs), QualityCheck::Loudness, &|| {
                    format!("loudness is {lufs:.1} LUFS; {:.1} to {:.1} is the range", range.start(), range.end())
                });
            }
        }
        let quiet_enough = sound.true_peak_dbtp.is_none_or(|peak| peak <= self.max_true_peak_dbtp);
        hold(quiet_enough, QualityCheck::TruePeak, &|| {
            let peak = sound.true_peak_dbtp.unwrap_or(f64::NEG_INFINITY);
            format!("true peak is {peak:.1} dBTP; {:.1} is the most", self.max_true_peak_dbtp)
        });
        hold(sound.clipped_share <= self.max_clipped_share, QualityCheck::Clipping, &|| {
            format!("{:.3} % of the samples clip", sound.clipped_share * 100.0)
        });
        let all_sung = sound.syllables_placed == sound.syllables && sound.syllables > 0;
        hold(all_sung, QualityCheck::SyllablesPlaced, &|| {
            format!("{} of {} syllables were sung", sound.syllables_placed, sound.syllables)
        });
        shortfalls
    }

    /// The checks of the words: what other words may mend.
    pub fn judge_lyrics(&self, lyrics: &LyricsFigures) -> Vec<QualityShortfall> {
        let mut shortfalls = Vec::new();
        let mut hold = |passed: bool, check, message: &dyn Fn() -> String| {
            hold(&mut shortfalls, passed, check, message);
        };
        let (chars, lines, run) = (lyrics.lyrics_chars, lyrics.lyrics_lines, lyrics.lyrics_longest_run);
        let room = if lyrics.lyrics_notes == 0 { u32::MAX } else { lyrics.lyrics_notes };
        let (least_chars, least_lines) = (self.min_lyrics_chars.min(room), self.min_lyrics_lines.min(room));
        hold(chars >= least_chars, QualityCheck::LyricsLength, &|| {
            format!("the lyrics have {chars} characters; {least_chars} is the least for this melody")
        });
        hold(lines >= least_lines, QualityCheck::LyricsLines, &|| {
            format!("the lyrics have {lines} lines; {least_lines} is the least for this melody")
        });
        hold(run <= self.max_lyrics_run, QualityCheck::LyricsRepetition, &|| {
            format!("a character repeats {run} times in a row; {} is the most", self.max_lyrics_run)
        });
        hold(lyrics.lyrics_words_known >= self.min_words_known, QualityCheck::LyricsWords, &|| {
            let (known, least) = (lyrics.lyrics_words_known * 100.0, self.min_words_known * 100.0);
            format!("{known:.0} % of the words are in the dictionary; {least:.0} % is the least")
        });
        let fit = lyrics.lyrics_syllable_match;
        hold(fit >= self.min_syllable_match, QualityCheck::LyricsFit, &|| {
            let (fit, least) = (fit * 100.0, self.min_syllable_match * 100.0);
            format!("{fit:.0} % of the notes carry one syllable or hold a line's last one; {least:.0} % is the least")
        });
        let distinct = lyrics.lyrics_distinct_words;
        hold(distinct >= self.min_distinct_words, QualityCheck::LyricsVariety, &|| {
            let (distinct, least) = (distinct * 100.0, self.min_distinct_words * 100.0);
            format!("{distinct:.0} % of the words are different ones; {least:.0} % is the least")
        });
        let stress = lyrics.lyrics_stress_match;
        let says_nothing = lyrics.lyrics_stress_pairs < FEWEST_STRESS_PAIRS;
        hold(says_nothing || stress >= self.min_stress_match, QualityCheck::LyricsStress, &|| {
            let (stress, least) = (stress * 100.0, self.min_stress_match * 100.0);
            format!("{stress:.0} % of the stressed syllables have the stronger notes; {least:.0} % is the least")
        });
        let rhyme = lyrics.lyrics_rhyme;
        let says_nothing = lyrics.lyrics_rhyming_lines < FEWEST_RHYMING_LINES;
        hold(says_nothing || rhyme >= self.min_rhyme, QualityCheck::LyricsRhyme, &|| {
            let (rhyme, least) = (rhyme * 100.0, self.min_rhyme * 100.0);
            format!("{rhyme:.0} % of the lines rhyme; {least:.0} % is the least")
        });
        let (kept, words) = (lyrics.lyrics_prompt_words_kept, lyrics.lyrics_prompt_words);
        hold(words < FEWEST_PROMPT_WORDS || kept >= self.min_prompt_words_kept, QualityCheck::LyricsPrompt, &|| {
            let (kept, least) = (kept * 100.0, self.min_prompt_words_kept * 100.0);
            format!("{kept:.0} % of the prompt's {words} words are sung; {least:.0} % is the least")
        });
        shortfalls
    }
}

fn hold(shortfalls: &mut Vec<QualityShortfall>, passed: bool, check: QualityCheck, message: impl FnOnce() -> String) {
    if !passed {
        shortfalls.push(QualityShortfall { check, message: message() });
    }
}

/// The seed of a take: the first is sung with the seed that was asked for, each later one with another that follows
/// from it (SplitMix64; Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub fn seed_of_take(seed: u64, take: u32) -> u64 {
    if take == 0 {
        return seed;
    }
    let mut z = seed.wrapping_add(u64::from(take).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
