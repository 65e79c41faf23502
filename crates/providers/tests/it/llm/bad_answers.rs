//! Whatever comes instead of a text: what is done about it, and that nothing is paid for twice.

use std::time::Duration;

use domain::FailureClass::{self, Caller, Config, Content, Money, RetryAfter, Transient};
use providers::Stop;
use testbed::{Manner, StandIn};
use vendor_standins::{Fault, Retry, Step, Stop as Stopped, Vendors, Words};

use super::{ANTHROPIC, BOTH, LINES, OPENAI, Who, after, even, fits, rows::Rows, write, writer_of};

/// How a text ended.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    /// Written, with so many calls.
    Written(usize),
    /// Left to the next provider after one call.
    GivenUp(FailureClass),
    /// What the class says.
    Failed(FailureClass),
}

async fn check(who: Who, step: Step, expected: End) {
    let (written, asked, rows) = after(who, [step.clone()]).await;
    let end = match &written {
        Ok(lyrics) => {
            fits(lyrics);
            let text = lyrics.title.clone() + &lyrics.text();
            assert!(text.chars().all(|c| c.is_alphabetic() || " '\n".contains(c)), "{step:?}: {text:?}");
            End::Written(asked)
        }
        Err(Stop::GivenUp(failure)) => End::GivenUp(failure.class),
        Err(Stop::Failed(failure)) => End::Failed(failure.class),
        Err(other) => panic!("{who:?} {step:?}: {other:?}"),
    };
    assert_eq!(end, expected, "{who:?} {step:?}: {written:?}");
    assert_eq!(rows.all().len(), if let End::Written(calls) = expected { calls } else { 1 }, "{step:?}");
}

#[tokio::test]
async fn words_that_come_amiss_are_asked_for_again() {
    for who in BOTH {
        let check = |words| check(who, Step::Text(words), End::Written(2));
        check(Words::Nul).await;
        check(Words::Arrays).await;
        check(Words::LoneSurrogate).await;
        check(Words::Truncated).await;
        check(Words::Literal("I would rather talk about ships.".to_owned())).await;
        check(Words::Literal(r#"{"lines": [], "title": "**"}"#.to_owned())).await;
        check(Words::Literal(r#"{"lines": [{"text": "a"}, 7, null, "\u0007"]}"#.to_owned())).await;
        check(Words::Literal("\u{7}".repeat(10_000))).await;
    }
}

#[tokio::test]
async fn words_with_something_around_them_are_taken() {
    for who in BOTH {
        check(who, Step::Text(Words::Prose), End::Written(1)).await;
        check(who, Step::Text(Words::CodeFence), End::Written(1)).await;
        check(who, Step::ContentType("text/html".to_owned()), End::Written(1)).await;
        check(who, Step::Delay { ms: 50 }, End::Written(1)).await;
    }
}

#[tokio::test]
async fn answers_that_are_none_are_not_asked_for_again() {
    let verbatim =
        |body: &str| Step::Verbatim { status: 200, content_type: "application/json".to_owned(), body: body.to_owned() };
    for who in BOTH {
        let check = |step| check(who, step, End::GivenUp(Transient));
        check(Step::Text(Words::LoneSurrogateInBody)).await;
        check(Step::Text(Words::Empty)).await;
        check(Step::Oversized { bytes: 2 << 20 }).await;
        check(Step::CutBody).await;
        check(verbatim("<html>")).await;
        check(verbatim("[]")).await;
        check(verbatim(r#"{"content": {"type": "text"}, "choices": "none"}"#)).await;
        check(verbatim(r#"{"type": "error", "error": {"type": "overloaded_error", "message": "m"}}"#)).await;
        check(verbatim(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))).await;
    }
}

#[tokio::test]
async fn reasons_to_stop() {
    for who in BOTH {
        check(who, Step::Stop(Stopped::Refusal), End::Failed(Content)).await;
        check(who, Step::Stop(Stopped::ContentFilter), End::Failed(Content)).await;
        check(who, Step::Stop(Stopped::Length), End::GivenUp(Transient)).await;
        check(who, Step::Stop(Stopped::PauseTurn), End::GivenUp(Transient)).await;
        check(who, Step::Stop(Stopped::ContextWindow), End::GivenUp(Transient)).await;
        check(who, Step::Stop(Stopped::Unknown), End::Written(1)).await;
    }
}

#[tokio::test]
async fn what_is_of_no_use_is_paid_for_all_the_same() {
    for who in BOTH {
        for step in [Step::Stop(Stopped::Refusal), Step::Stop(Stopped::Length), Step::Oversized { bytes: 2 << 20 }] {
            let (_, _, rows) = after(who, [step.clone()]).await;
            let row = rows.all().remove(0);
            assert!(row.usage.input_tokens > 0 && row.cost.is_some_and(|cost| cost.micros > 0), "{who:?} {step:?}");
        }
    }
}

#[tokio::test]
async fn refused_calls_are_of_their_class_and_may_be_made_again() {
    let check = async |who: Who, fault: Fault, retry: Retry, expected: End| {
        let vendors = Vendors::start().await;
        let step = Step::Fail { fault, retry, after_work: false };
        vendors.script(who.vendor, who.route, [step]);
        let (writer, rows) = (writer_of(&who.settings(&vendors)), Rows::default());
        let first = write(&writer, &even(&LINES), &rows, 1).await.unwrap_err();
        let (end, failure) = match first {
            Stop::Failed(failure) => (End::Failed(failure.class), failure),
            Stop::GivenUp(failure) => (End::GivenUp(failure.class), failure),
            other => panic!("{fault:?}: {other:?}"),
        };
        assert_eq!(end, expected, "{who:?} {fault:?}: {failure}");
        assert!(!failure.message.contains("river") && !failure.message.contains("stand-in"), "{}", failure.message);
        let told = if retry == Retry::Seconds(7) { Some(Duration::from_secs(7)) } else { None };
        assert_eq!(failure.retry_after, told);
        // Another process, which was not told to wait.
        let writer = writer_of(&who.settings(&vendors));
        write(&writer, &even(&LINES), &rows, 1).await.unwrap();
        assert_eq!(vendors.ledger().len(), 1, "{fault:?}");
    };
    for who in BOTH {
        check(who, Fault::BadKey, Retry::Absent, End::Failed(Config)).await;
        check(who, Fault::Forbidden, Retry::Absent, End::Failed(Config)).await;
        check(who, Fault::NotFound, Retry::Absent, End::Failed(Config)).await;
        check(who, Fault::QuotaExceeded, Retry::Absent, End::Failed(Money)).await;
        check(who, Fault::SpendLimit, Retry::Absent, End::Failed(Money)).await;
        check(who, Fault::RateLimited, Retry::Seconds(7), End::Failed(RetryAfter)).await;
        check(who, Fault::RateLimited, Retry::Absent, End::Failed(RetryAfter)).await;
        check(who, Fault::Overloaded, Retry::Absent, End::Failed(Transient)).await;
        // What is asked is of our own making: another writer may take it.
        check(who, Fault::BadRequest, Retry::Absent, End::GivenUp(Caller)).await;
        check(who, Fault::TooLarge, Retry::Absent, End::GivenUp(Caller)).await;
    }
    check(OPENAI, Fault::CreditExhausted, Retry::Absent, End::Failed(Money)).await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_not_asked_for_again() {
    for who in BOTH {
        for step in [
            Step::Reset { after_work: true },
            Step::Close { after_work: true },
            Step::Hang { after_work: true },
            Step::CutBody,
            Step::Fail { fault: Fault::EdgeTimeout, retry: Retry::Absent, after_work: true },
        ] {
            let vendors = Vendors::start().await;
            vendors.script(who.vendor, who.route, [step.clone()]);
            let mut settings = who.settings(&vendors);
            settings.timeout = Duration::from_millis(1_500);
            let (writer, rows) = (writer_of(&settings), Rows::default());
            for _ in 0..2 {
                let written = write(&writer, &even(&LINES), &rows, 1).await;
                assert!(matches!(written, Err(Stop::GivenUp(_))), "{who:?} {step:?}: {written:?}");
            }
            assert_eq!((vendors.asked(who.vendor, who.route), vendors.ledger().len()), (1, 1), "{step:?}");
        }
    }
}

#[tokio::test]
async fn what_costs_nothing_may_be_asked_for_again() {
    let text = r#"{"lines": ["In the morning by the sea", "The river runs with me", "Every evening I am free", "As happy as can be"]}"#;
    let answer = serde_json::json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
    let server = StandIn::start([Manner::BreaksOff, Manner::Answers(200, answer.to_string().into_bytes())]).await;
    let writer = writer_of(&OPENAI.settings_at(&format!("{}/v1", server.url()), None));
    assert!(!writer.is_paid());
    let rows = Rows::default();
    let lost = write(&writer, &even(&LINES), &rows, 1).await;
    assert!(matches!(&lost, Err(Stop::Failed(failure)) if failure.class == Transient), "{lost:?}");
    fits(&write(&writer, &even(&LINES), &rows, 1).await.unwrap());
    assert_eq!(server.asked(), 2);
    assert!(rows.all().iter().all(|row| row.cost.is_none() && row.estimate.is_none()));
    let vendors = Vendors::start().await;
    assert!(writer_of(&ANTHROPIC.settings(&vendors)).is_paid());
}
