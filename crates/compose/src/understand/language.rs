//! The language of a sentence, of those that words can be sung in: told by small words that the others do not have.

use domain::options::Language;

use super::words::Word;

/// Small words of a language, and those that count twice because they speak of songs.
struct Marks {
    small: &'static str,
    songs: &'static str,
}

const SPANISH: Marks = Marks {
    small: "el, los, las, una, unos, unas, del, al, con, sin, para, por, sobre, y, que, muy, más, mi, tu, su, como, cuando, \
            donde, pero, esta, este, hay, lo, nos, desde, hasta, entre, sea, estilo, lenta, lento, rápida, rápido",
    songs: "canción, canciones, cancion, balada, música, letra, cántame, haz, escribe, cumpleaños, niño, niña, corazón, amor",
};
/// What speaks for another language. Not all of them are sung here, but none of them is Spanish.
const OTHERS: [Marks; 5] = [
    Marks {
        small: "the, a, an, with, and, of, about, in, for, my, your, is, to, at, on, without, some",
        songs: "song, songs, music",
    },
    Marks {
        small: "le, les, une, des, du, avec, et, sur, pour, dans, sans, mon, ma, est, très",
        songs: "chanson, musique, paroles",
    },
    Marks {
        small: "il, gli, di, della, sul, sulla, che, per, senza, mio, mia, è, e", songs: "canzone, musica, amore"
    },
    Marks { small: "uma, com, sem, do, da, dos, das, em, no, na, não, meu, minha, e, um", songs: "canção, letras" },
    Marks { small: "ein, eine, der, die, das, und, mit, über, ohne, für, ist, mein, meine", songs: "lied, musik" },
];

/// The language if it is not the usual one, and the words that told it.
pub fn language(words: &[Word]) -> Option<(Language, String)> {
    let has = |list: &'static str, word: &str| list.split(", ").any(|own| own.trim() == word);
    let count = |marks: &Marks| -> usize {
        let worth = |word: &str| usize::from(has(marks.small, word)) + 2 * usize::from(has(marks.songs, word));
        distinct(words).map(worth).sum()
    };
    let spanish = count(&SPANISH);
    if spanish < 2 || OTHERS.iter().any(|other| count(other) >= spanish) {
        return None;
    }
    let telling = distinct(words).filter(|word| has(SPANISH.small, word) || has(SPANISH.songs, word)).take(6);
    Some((Language::Spanish, telling.collect::<Vec<_>>().join(", ")))
}

fn distinct(words: &[Word]) -> impl Iterator<Item = &str> {
    let is_first = |(at, word): &(usize, &Word)| words[..*at].iter().all(|before| before.plain != word.plain);
    words.iter().enumerate().filter(is_first).map(|(_, word)| word.plain.as_str())
}
