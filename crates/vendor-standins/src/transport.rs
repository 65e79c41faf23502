//! How answers reach the connection, or do not: reset, closed, in pieces, cut short.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use crate::ledger::Ledger;

/// Bytes that are handed over at once. Small, so that what was handed over has mostly left.
const PIECE: usize = 64 * 1024;
/// How long the first half of a cut body has to leave before the connection ends.
const LEAVES_WITHIN: Duration = Duration::from_millis(20);

/// A connection that can be reset instead of closed.
pub struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Socket {
    /// Reset when it is dropped while `reset` is set.
    pub fn new(stream: TcpStream, reset: Arc<AtomicBool>) -> Self {
        Self { stream, reset }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Without a time to linger the kernel sends RST. Should it refuse, the client sees an end instead.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How a body is handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    Whole,
    /// Without telling its length beforehand.
    Chunked,
    /// Byte by byte, with this pause behind each.
    Slow(Duration),
    /// Half of it, then the connection ends.
    Cut,
    /// With so many more bytes of this value behind it.
    Padded {
        bytes: u64,
        value: u8,
    },
}

/// The body of an answer. Tells the ledger when all of it was handed over.
pub struct Outgoing {
    data: Bytes,
    padding: u64,
    manner: Manner,
    pause: Option<Pin<Box<Sleep>>>,
    charge: Option<(Arc<Ledger>, usize)>,
}

impl Outgoing {
    pub fn new(data: Bytes, manner: Manner, charge: Option<(Arc<Ledger>, usize)>) -> Self {
        let padding = if let Manner::Padded { bytes, .. } = manner { bytes } else { 0 };
        let mut body = Self { data, padding, manner, pause: None, charge };
        if manner == Manner::Cut {
            // The length that is told stays that of the whole.
            body.padding = (body.data.len() - body.data.len() / 2) as u64;
            body.data.truncate(body.data.len() / 2);
            body.charge = None;
        }
        body.tell_if_done();
        body
    }

    fn is_done(&self) -> bool {
        self.data.is_empty() && self.padding == 0
    }

    fn tell_if_done(&mut self) {
        if self.is_done()
            && let Some((ledger, number)) = self.charge.take()
        {
            ledger.delivered(number);
        }
    }
}

/// The connection is ended on purpose.
fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the connection is ended by the script")
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
            if self.manner == Manner::Cut {
                return Poll::Ready(Some(Err(ended())));
            }
        }
        if self.is_done() {
            return Poll::Ready(None);
        }
        if self.data.is_empty() && self.manner == Manner::Cut {
            self.pause = Some(Box::pin(tokio::time::sleep(LEAVES_WITHIN)));
            return self.poll_frame(cx);
        }
        let piece = if self.data.is_empty() {
            let count = self.padding.min(PIECE as u64);
            self.padding -= count;
            let value = if let Manner::Padded { value, .. } = self.manner { value } else { 0 };
            Bytes::from(vec![value; count as usize])
        } else {
            let most = if matches!(self.manner, Manner::Slow(_)) { 1 } else { PIECE };
            let count = self.data.len().min(most);
            self.data.split_to(count)
        };
        if let Manner::Slow(pause) = self.manner {
            self.pause = Some(Box::pin(tokio::time::sleep(pause)));
        }
        self.tell_if_done();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        match self.manner {
            Manner::Chunked => SizeHint::default(),
            _ => SizeHint::with_exact(self.data.len() as u64 + self.padding),
        }
    }
}
