//! How often a model is asked, and what for.

use domain::FailureClass;
use providers::Stop;
use serde_json::json;
use vendor_standins::{Fault, Retry, Step, Vendors, Words};

use super::{BOTH, LINES, after, even, fits, request, rows::Rows, write, writer_of};

#[tokio::test]
async fn lines_that_fit_are_asked_for_once() {
    for who in BOTH {
        let (written, asked, rows) = after(who, []).await;
        let lyrics = written.unwrap();
        fits(&lyrics);
        assert_eq!((asked, &*lyrics.title, &*lyrics.language), (1, "Paper Harbor", "en"), "{who:?}");
        let rows = rows.all();
        assert_eq!((rows.len(), &*rows[0].purpose), (1, "lyrics/1/1"));
        let (cost, estimate) = (rows[0].cost.clone().unwrap(), rows[0].estimate.clone().unwrap());
        assert!(0 < cost.micros && cost.micros <= estimate.micros, "{cost:?} of {estimate:?}");
        let by_tokens = rows[0].usage.input_tokens + 5 * rows[0].usage.output_tokens;
        assert_eq!((cost.micros, &*cost.currency), (by_tokens as i64, "USD"));
    }
}

#[tokio::test]
async fn only_lines_that_do_not_fit_are_asked_for_again() {
    let check = async |words: Words| {
        for who in BOTH {
            let (written, asked, rows) = after(who, [Step::Text(words.clone())]).await;
            fits(&written.unwrap_or_else(|stop| panic!("{who:?} {words:?}: {stop:?}")));
            let purposes: Vec<String> = rows.all().into_iter().map(|row| row.purpose).collect();
            assert_eq!((asked, purposes), (2, vec!["lyrics/1/1".to_owned(), "lyrics/1/2".to_owned()]), "{words:?}");
        }
    };
    check(Words::TooLong).await;
    check(Words::LineMissing).await;
    let one = json!({"title": "X", "lines": ["In the morning by the sea", "The river runs with me", "Too short", "As happy as can be"]});
    check(Words::Literal(one.to_string())).await;
}

#[tokio::test]
async fn what_never_fits_is_mended_by_the_engine() {
    let all = json!({"lines": ["In the morning by the sea", "The river runs with me", "And I am so very, very free", "As happy as can be"]});
    let again = Step::Text(Words::Literal(json!({"lines": ["And I am so very, very free"]}).to_string()));
    for who in BOTH {
        let (written, asked, _) =
            after(who, [Step::Text(Words::Literal(all.to_string())), again.clone(), again.clone()]).await;
        let lyrics = written.unwrap();
        fits(&lyrics);
        assert_eq!(asked, 3, "twice again and no more");
        assert_eq!(lyrics.lines[1].text, "The river runs with me");
        assert!(lyrics.lines[2].text.ends_with("free"), "{}", lyrics.text());
        assert!(!lyrics.title.is_empty());
    }
}

#[tokio::test]
async fn a_text_that_never_fits_is_left_to_the_next_provider() {
    for who in BOTH {
        let (written, asked, rows) = after(who, [Words::TooLong, Words::TooLong, Words::TooLong].map(Step::Text)).await;
        let Err(Stop::GivenUp(failure)) = written else { panic!("{who:?}: {written:?}") };
        assert_eq!((asked, rows.all().len(), failure.class), (3, 3, FailureClass::Transient));
        assert!(failure.message.contains("of 4 lines 4 with another number of syllables"), "{}", failure.message);
    }
}

#[tokio::test]
async fn words_that_are_paid_for_outlive_a_later_failure() {
    let overloaded = Step::Fail { fault: Fault::Overloaded, retry: Retry::Absent, after_work: false };
    for who in BOTH {
        let (written, asked, _) = after(who, [Step::Text(Words::LineMissing), overloaded.clone()]).await;
        fits(&written.unwrap());
        assert_eq!(asked, 2);
        let (written, asked, _) = after(who, [Step::Text(Words::TooLong), overloaded.clone()]).await;
        assert!(matches!(written, Err(Stop::GivenUp(_))), "the first words are not paid for again: {written:?}");
        assert_eq!(asked, 2);
    }
}

#[tokio::test]
async fn a_text_that_was_paid_for_is_there_again_after_a_crash() {
    for who in BOTH {
        let vendors = Vendors::start().await;
        vendors.script(who.vendor, who.route, [Step::Text(Words::TooLong)]);
        let (writer, rows) = (writer_of(&who.settings(&vendors)), Rows::default());
        let first = write(&writer, &even(&LINES), &rows, 1).await.unwrap();
        // Another process, the same rows.
        let again = write(&writer_of(&who.settings(&vendors)), &even(&LINES), &rows, 1).await.unwrap();
        assert_eq!((first, vendors.asked(who.vendor, who.route), vendors.ledger().len()), (again, 2, 2));
        // Another take is another text.
        write(&writer, &even(&LINES), &rows, 2).await.unwrap();
        assert_eq!((vendors.ledger().len(), rows.all().len()), (3, 3));
        assert!(vendors.paid_twice().is_empty());
    }
}

#[tokio::test]
async fn a_chorus_is_asked_for_once_and_sung_again() {
    for who in BOTH {
        let vendors = Vendors::start().await;
        let lyrics = write(&writer_of(&who.settings(&vendors)), &even(&[6; 16]), &Rows::default(), 4).await.unwrap();
        let places = lyrics::line_places(&even(&[6; 16]), &request(4)).unwrap();
        let returns: Vec<(usize, usize)> =
            places.iter().enumerate().filter_map(|(at, place)| Some((at, place.repeats?))).collect();
        assert_eq!(returns.len(), 4);
        for (again, first) in returns {
            assert_eq!(lyrics.lines[again].text, lyrics.lines[first].text);
        }
        assert_eq!(lyrics.lines.len(), 16);
    }
}
