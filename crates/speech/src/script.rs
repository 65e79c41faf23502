//! What flite is given and what it prints: words with a dictionary, sounds with their ends.

use voice::SpokenWord;

use crate::SpeechFailure;

/// More words than a line of a song has; flite's time grows with them.
const MOST_WORDS: usize = 60;
/// What the phones of the engine are called in flite where the names differ.
const RENAMED: [(&str, &str); 1] = [("AH0", "ax0")];

/// One line for flite.
pub struct Script {
    /// Letters a–z and spaces, beginning with a letter: nothing that could be an option.
    pub text: String,
    /// The dictionary entries of its words: `word 0 : ph on ems`.
    pub lexicon: String,
}

impl Script {
    /// The words as they are spelled, which keeps flite's sense of rhythm.
    pub fn spelled(words: &[SpokenWord]) -> Result<Self, SpeechFailure> {
        Self::new(words, |word, index| {
            let letters = word.text.chars().filter(char::is_ascii_alphabetic);
            let spelled: String = letters.map(|c| c.to_ascii_lowercase()).collect();
            if spelled.is_empty() { format!("word{}", letter(index)) } else { spelled }
        })
    }

    /// The words under names that mean nothing to flite, so that it goes by the dictionary alone.
    pub fn named(words: &[SpokenWord]) -> Result<Self, SpeechFailure> {
        Self::new(words, |_, index| format!("word{}{}", letter(index / 26), letter(index)))
    }

    fn new(words: &[SpokenWord], name: impl Fn(&SpokenWord, usize) -> String) -> Result<Self, SpeechFailure> {
        if words.is_empty() || words.len() > MOST_WORDS {
            return Err(SpeechFailure::Words(format!("{} words cannot be said in one line", words.len())));
        }
        let mut script = Self { text: String::new(), lexicon: String::new() };
        for (index, word) in words.iter().enumerate() {
            let name = name(word, index);
            let phones = word.phones.iter().map(|phone| name_in_flite(phone)).collect::<Result<Vec<_>, _>>()?.join(" ");
            if index > 0 {
                script.text.push(' ');
            }
            script.text.push_str(&name);
            script.lexicon.push_str(&format!("{name} 0 : {phones}\n"));
        }
        Ok(script)
    }
}

fn letter(index: usize) -> char {
    char::from(b'a' + (index % 26) as u8)
}

fn name_in_flite(phone: &str) -> Result<String, SpeechFailure> {
    let letters = phone.trim_end_matches(['0', '1', '2']);
    if letters.is_empty() || letters.len() > 2 || !letters.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(SpeechFailure::Words(format!("\"{phone}\" is no ARPAbet phone")));
    }
    let renamed = RENAMED.iter().find(|(own, _)| *own == phone);
    // flite's dictionary knows no secondary stress.
    Ok(renamed.map_or_else(|| phone.to_ascii_lowercase().replace('2', "1"), |(_, theirs)| (*theirs).to_owned()))
}

/// Reads `phone:end phone:end …`, the end in seconds, and gives the phones the names of the engine.
pub fn read_phones(printed: &str) -> Result<Vec<(String, f64)>, SpeechFailure> {
    let mut phones = Vec::new();
    for item in printed.split_whitespace() {
        let read = item.split_once(':').and_then(|(phone, end)| Some((phone, end.parse::<f64>().ok()?)));
        let (phone, end) =
            read.filter(|(phone, end)| end.is_finite() && phone.bytes().all(|b| b.is_ascii_lowercase())).ok_or_else(
                || SpeechFailure::Output(format!("\"{}\" is no sound", item.chars().take(40).collect::<String>())),
            )?;
        phones.push((if phone == "pau" { phone.to_owned() } else { phone.to_ascii_uppercase() }, end));
    }
    Ok(phones)
}

/// Whether what was said has the sounds that were asked for: the consonants, and a vowel for each vowel. Which vowel an
/// unstressed syllable has is the speaker's own affair; with `strict`, not which one a stressed syllable has.
pub fn is_as_asked(said: &[(String, f64)], words: &[SpokenWord], strict: bool) -> bool {
    let asked = words.iter().flat_map(|word| &word.phones);
    let said: Vec<&str> = said.iter().map(|(phone, _)| phone.as_str()).filter(|phone| *phone != "pau").collect();
    let asked: Vec<&str> = asked.map(String::as_str).collect();
    said.len() == asked.len()
        && said.iter().zip(&asked).all(|(said, asked)| match asked.strip_suffix('1') {
            Some(stressed) if strict => *said == stressed,
            _ if asked.ends_with(['0', '1', '2']) => is_vowel(said),
            _ => said == asked,
        })
}

fn is_vowel(phone: &str) -> bool {
    phone.starts_with(['A', 'E', 'I', 'O', 'U'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, phones: &str) -> SpokenWord {
        SpokenWord { text: text.into(), phones: phones.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn nothing_but_letters_reaches_the_program() {
        let words = [word("-o", "OW1"), word("don't", "D OW1 N T"), word("/etc/$(x)", "AH0 K"), word("42", "F AO1")];
        let script = Script::spelled(&words).expect("a script");
        assert_eq!(script.text, "o dont etcx wordd");
        assert_eq!(script.lexicon, "o 0 : ow1\ndont 0 : d ow1 n t\netcx 0 : ax0 k\nwordd 0 : f ao1\n");
        let script = Script::named(&words[..2]).expect("a script");
        assert_eq!(script.text, "wordaa wordab");
        assert_eq!(script.lexicon, "wordaa 0 : ow1\nwordab 0 : d ow1 n t\n");
        for phone in ["", "-", "OW1 pau", "ow1", "OW1\n", "LONG", "1"] {
            assert!(
                Script::spelled(&[word("a", "AH1"), SpokenWord { text: "b".into(), phones: vec![phone.into()] }])
                    .is_err()
            );
        }
        assert!(Script::named(&[]).is_err());
        assert!(Script::spelled(&vec![word("a", "AH1"); 61]).is_err());
    }

    #[test]
    fn sounds_are_read_and_compared() {
        let said = read_phones("pau:0.177 dh:0.315 ax:0.4 \n m:0.5 uw:0.7 n:0.8 pau:1.0 ").expect("sounds");
        assert_eq!(said[1], ("DH".to_owned(), 0.315));
        assert!(is_as_asked(&said, &[word("the", "DH IY0"), word("moon", "M UW1 N")], true));
        assert!(!is_as_asked(&said, &[word("the", "DH IY0"), word("moot", "M UW1 T")], true));
        assert!(!is_as_asked(&said, &[word("moon", "M UW1 N")], true));
        let other_vowel = [word("the", "DH IY0"), word("moon", "M AA1 N")];
        assert!(!is_as_asked(&said, &other_vowel, true) && is_as_asked(&said, &other_vowel, false));
        for wrong in ["pau", "pau:x", "p:nan", "P-:1.0"] {
            assert!(read_phones(wrong).is_err(), "{wrong}");
        }
    }
}
