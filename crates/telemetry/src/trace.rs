//! One trace id from the request through every message to the last stage, as W3C trace context
//! (<https://www.w3.org/TR/trace-context/>). No spans leave the process: the id ties log lines together.

use std::{fmt, future::Future};

use tracing::{Instrument, Span, field::Empty};

/// The trace that work belongs to, and the piece of work that caused it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

/// The text is not a valid `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct InvalidTraceParent;

impl TraceContext {
    /// Starts a trace.
    pub fn new_root() -> Self {
        Self { trace_id: nonzero(), span_id: nonzero(), sampled: true }
    }

    /// Reads a `traceparent` header. Versions above 00 are read by their first four fields, as the specification asks;
    /// its length is bounded before anything else is done with it.
    pub fn parse(text: &str) -> Result<Self, InvalidTraceParent> {
        let text = text.trim_matches([' ', '\t']);
        if !(55..=512).contains(&text.len()) || !text.is_ascii() {
            return Err(InvalidTraceParent);
        }
        let (head, rest) = text.split_at(55);
        let mut fields = head.split('-');
        let mut next = || fields.next().ok_or(InvalidTraceParent);
        let [version] = hex::<1>(next()?)?;
        let trace_id = hex::<16>(next()?)?;
        let span_id = hex::<8>(next()?)?;
        let [flags] = hex::<1>(next()?)?;
        let tail_fits = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        if version == 0xff || !tail_fits || trace_id == [0; 16] || span_id == [0; 8] {
            return Err(InvalidTraceParent);
        }
        Ok(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }

    /// A further piece of work in the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: nonzero(), ..*self }
    }

    /// For a header or a message.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id(), text(&self.span_id), u8::from(self.sampled))
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        text(&self.trace_id)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({})", self.traceparent())
    }
}

/// All zeroes mean "invalid" in the specification.
fn nonzero<const N: usize>() -> [u8; N]
where
    [u8; N]: Default + AsMut<[u8]>,
{
    let mut bytes = [0; N];
    while bytes == [0; N] {
        bytes.iter_mut().for_each(|byte| *byte = rand::random());
    }
    bytes
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes in lower-case hexadecimal, as the specification wants them.
fn hex<const N: usize>(digits: &str) -> Result<[u8; N], InvalidTraceParent> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N {
        return Err(InvalidTraceParent);
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidTraceParent),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(bytes)
}

tokio::task_local! {
    static CURRENT: TraceContext;
}

/// The context of the running task, if it was started by [`within`] or [`carry`].
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok()
}

/// The context to put on an outgoing message or call: a child of the current one, or a new trace.
pub fn outgoing() -> TraceContext {
    current().map_or_else(TraceContext::new_root, |context| context.child())
}

/// A log span for work in that trace: every line inside carries `trace_id` and `work`. Further fields are filled with
/// [`Span::record`] as they become known: `job_id`, `kind`, `stage`, `queue`, `message_id`, `method`, `route`.
pub fn span_for(context: &TraceContext, work: &'static str) -> Span {
    // At the error level, so that the lines that are kept carry it whatever the level is.
    tracing::error_span!(
        "trace",
        work,
        trace_id = context.trace_id().as_str(),
        job_id = Empty,
        kind = Empty,
        stage = Empty,
        queue = Empty,
        message_id = Empty,
        method = Empty,
        route = Empty,
    )
}

/// Runs `task` inside the trace and its log span.
pub async fn within<F: Future>(context: TraceContext, work: &'static str, task: F) -> F::Output {
    within_span(context, span_for(&context, work), task).await
}

/// Runs `task` inside the trace and a log span that the caller made with [`span_for`] and added fields to.
pub async fn within_span<F: Future>(context: TraceContext, span: Span, task: F) -> F::Output {
    CURRENT.scope(context, task.instrument(span)).await
}

/// Takes the current trace and log span along into a task that is about to be spawned.
pub fn carry<F: Future>(task: F) -> impl Future<Output = F::Output> {
    let context = current();
    let task = task.in_current_span();
    async move {
        match context {
            Some(context) => CURRENT.scope(context, task).await,
            None => task.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_specifications_example_round_trips() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.traceparent(), EXAMPLE);
        let root = TraceContext::new_root();
        assert_eq!(TraceContext::parse(&root.traceparent()), Ok(root));
    }

    #[test]
    fn a_child_keeps_the_trace_and_the_flag() {
        let unsampled = TraceContext::parse(&EXAMPLE.replace("-01", "-00")).unwrap();
        let child = unsampled.child();
        assert_eq!(child.trace_id(), unsampled.trace_id());
        assert_ne!(child, unsampled);
        assert!(child.traceparent().ends_with("-00"));
    }

    #[test]
    fn what_is_not_a_traceparent_is_refused() {
        let future = EXAMPLE.replacen("00", "cc", 1);
        assert!(TraceContext::parse(&future).is_ok(), "a later version");
        assert!(TraceContext::parse(&format!("{future}-what-the-future-holds")).is_ok(), "with more fields");
        let bad = [
            String::new(),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replacen("00", "ff", 1),
            format!("{EXAMPLE}-00"),
            format!("{future}00"),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            EXAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            EXAMPLE.replace('-', "_"),
            EXAMPLE.replace("4bf9", "4bég"),
            EXAMPLE[..54].to_owned(),
            format!("{future}-{}", "x".repeat(1000)),
        ];
        for text in bad {
            assert_eq!(TraceContext::parse(&text), Err(InvalidTraceParent), "{text}");
        }
    }

    #[tokio::test]
    async fn the_current_context_follows_the_task() {
        assert_eq!(current(), None);
        let context = TraceContext::new_root();
        within(context, "request", async {
            assert_eq!(current(), Some(context));
            assert_eq!(outgoing().trace_id(), context.trace_id());
            let plain = tokio::spawn(async { current() });
            let carried = tokio::spawn(carry(async { current() }));
            assert_eq!(plain.await.unwrap(), None);
            assert_eq!(carried.await.unwrap(), Some(context));
        })
        .await;
        assert_eq!(current(), None);
        assert_ne!(outgoing().trace_id(), outgoing().trace_id());
    }
}
