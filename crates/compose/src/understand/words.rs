//! A sentence as words.

/// A word of a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// As it stands there.
    pub text: String,
    /// In small letters.
    pub plain: String,
    /// A comma, a full stop or the like stands before it.
    pub after_break: bool,
    /// A hyphen ties it to the word before.
    pub after_hyphen: bool,
}

/// Splits at everything that is not part of a word. `#`, `&`, `'`, `:`, `/`, `.` and `♯♭` count as parts where letters or digits
/// surround or precede them: `F#`, `R&B`, `don't`, `1:30`, `3/4`, `92.5`. A hyphen parts words.
pub fn split(text: &str) -> Vec<Word> {
    let letters: Vec<char> = text.chars().collect();
    let is_word = |at: usize| letters.get(at).is_some_and(|letter| letter.is_alphanumeric());
    let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut words = Vec::new();
    let (mut word, mut after) = (String::new(), After::default());
    for (at, &letter) in letters.iter().enumerate() {
        let inside = at > 0 && is_word(at - 1);
        let belongs = match letter {
            '#' | '♯' | '♭' => inside,
            '&' | '\'' | '’' => inside && is_word(at + 1),
            ':' | '/' | '.' => at > 0 && is_digit(at - 1) && is_digit(at + 1),
            _ => letter.is_alphanumeric(),
        };
        if belongs {
            word.push(if letter == '’' { '\'' } else { letter });
            continue;
        }
        finish(&mut words, &mut word, &mut after);
        after.hyphen = letter == '-' && inside && is_word(at + 1);
        if matches!(letter, ',' | '.' | ';' | '!' | '?' | ':' | '(' | ')' | '\n' | '–' | '—' | '、' | '。' | '，')
        {
            after.is_break = true;
        }
    }
    finish(&mut words, &mut word, &mut after);
    words
}

/// What stands before a word.
#[derive(Default)]
struct After {
    is_break: bool,
    hyphen: bool,
}

fn finish(words: &mut Vec<Word>, word: &mut String, after: &mut After) {
    if word.is_empty() {
        return;
    }
    let text = std::mem::take(word);
    let After { is_break, hyphen } = std::mem::take(after);
    words.push(Word { plain: text.to_lowercase(), text, after_break: is_break, after_hyphen: hyphen });
}
