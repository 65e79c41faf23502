//! What vendors usually charge for, in their own measures: rules of thumb for estimates, rounded up. Where money is set aside
//! for a call by such a rule, it is by the same one.

use domain::Usage;

/// Of a vendor's meter for each step of learning, as the authors of MusicGen's fine-tuner tell of three times a hundred in a
/// quarter of an hour.
pub const SECONDS_PER_UPDATE: f64 = 3.0;
/// Calls of a language model for one text: the first, and one or two for the lines that did not fit.
pub const MOST_WORD_CALLS: u32 = 3;

/// Seconds of a song for each of its lines, and characters of a line.
const SECONDS_PER_LINE: f64 = 4.0;
const CHARS_PER_LINE: f64 = 32.0;
/// Tokens of the rules that each call for words begins with, and for each line that is told there.
const TOKENS_OF_RULES: f64 = 500.0;
const TOKENS_PER_LINE_TOLD: f64 = 25.0;
/// Tokens of an answer, and for each line of it.
const TOKENS_OF_ANSWER: f64 = 30.0;
const TOKENS_PER_LINE_WRITTEN: f64 = 16.0;
/// How much is written altogether, of the text: of those lines that do not fit, a third does not the next time either.
const WRITTEN: f64 = 1.5;
/// How long a character takes to be spoken, in seconds, and characters that Bark speaks in one.
const SPEECH_SECONDS_PER_CHAR: f64 = 0.07;
const BARK_CHARS_PER_SECOND: f64 = 14.0;
/// Seconds of Replicate's machine for one of sound, and what comes on top of a call.
const BARK_PER_SECOND: f64 = 2.0;
const BARK_ON_TOP: f64 = 5.0;
const MUSICGEN_PER_SECOND: f64 = 2.0;
const MUSICGEN_ON_TOP: f64 = 10.0;

/// Of something that takes a few calls alike: what each of them uses, and how many there are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Calls {
    pub each: Usage,
    pub count: u32,
}

impl Calls {
    /// Of one call.
    pub const fn one(each: Usage) -> Self {
        Self { each, count: 1 }
    }
}

/// Lines of a song of so many seconds; a short one has one, too.
pub fn lines(seconds: f64) -> f64 {
    (seconds / SECONDS_PER_LINE).ceil().max(1.0)
}

/// Words by a language model for a song of so many seconds, with all calls that a text may take.
pub fn words(seconds: f64) -> Calls {
    let lines = lines(seconds);
    let written = (TOKENS_OF_ANSWER + TOKENS_PER_LINE_WRITTEN * lines) * WRITTEN / f64::from(MOST_WORD_CALLS);
    let each = Usage {
        input_tokens: (TOKENS_OF_RULES + TOKENS_PER_LINE_TOLD * lines).ceil() as u64,
        output_tokens: written.ceil() as u64,
        ..Usage::default()
    };
    Calls { each, count: MOST_WORD_CALLS }
}

/// The words of a song of so many seconds, recited in parts of at most so many characters; `of_part` is what a part uses by its
/// characters.
pub fn recital(seconds: f64, most_chars: usize, of_part: impl Fn(f64) -> Usage) -> Calls {
    let (lines, most_chars) = (lines(seconds), most_chars as f64);
    // Lines are not cut.
    let lines_of_part = (most_chars / CHARS_PER_LINE).floor().max(1.0);
    let parts = (lines / lines_of_part).ceil();
    Calls { each: of_part(lines * CHARS_PER_LINE / parts), count: parts as u32 }
}

/// One text of so many characters by a server that speaks.
pub fn speech(chars: f64) -> Usage {
    Usage { audio_seconds: chars * SPEECH_SECONDS_PER_CHAR, ..Usage::default() }
}

/// One text of so many characters by Bark.
pub fn bark(chars: f64) -> Usage {
    let audio_seconds = chars / BARK_CHARS_PER_SECOND;
    Usage { compute_seconds: BARK_ON_TOP + BARK_PER_SECOND * audio_seconds, audio_seconds, ..Usage::default() }
}

/// So many seconds of music by MusicGen.
pub fn musicgen(seconds: f64) -> Usage {
    let compute_seconds = MUSICGEN_ON_TOP + MUSICGEN_PER_SECOND * seconds;
    Usage { compute_seconds, audio_seconds: seconds, ..Usage::default() }
}

/// A training of so many steps.
pub fn training(updates: u32) -> Usage {
    Usage { compute_seconds: f64::from(updates) * SECONDS_PER_UPDATE, ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_charged_by_the_line_and_by_the_call() {
        let check = |seconds: f64, input_tokens: u64, output_tokens: u64| {
            let Calls { each, count } = words(seconds);
            assert_eq!((each.input_tokens, each.output_tokens, count), (input_tokens, output_tokens, 3), "{seconds} s");
        };
        check(0.0, 525, 23);
        check(4.0, 525, 23);
        check(4.1, 550, 31);
        check(60.0, 875, 135);
    }

    #[test]
    fn a_recital_has_as_many_parts_as_its_lines_need() {
        let check = |seconds: f64, most_chars: usize, count: u32| {
            let calls = recital(seconds, most_chars, speech);
            assert_eq!(calls.count, count, "{seconds} s in parts of {most_chars}");
            let spoken = calls.each.audio_seconds * f64::from(calls.count);
            assert!((spoken - lines(seconds) * CHARS_PER_LINE * SPEECH_SECONDS_PER_CHAR).abs() < 1e-9, "{spoken} s");
        };
        check(60.0, 240, 3);
        check(60.0, 180, 3);
        check(64.0, 180, 4);
        check(3.0, 180, 1);
        check(60.0, 10, 15);
    }
}
