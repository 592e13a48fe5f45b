use crate::chunk::Chunk;
use crate::inbox::{Inbox, ReadResult};
use crate::read_error::ReadError;
use crate::search::Search;
use crate::stream::Stream;
use chapter_04::{GaveWay, Outcome};
use chapter_05::Transport;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The reading end of a connection: what has come, and who waits for more.
///
/// Every read may be cancelled by dropping it, and loses nothing: bytes leave the reader in the poll
/// that returns them (RD-15, RD-21). While one task reads, no other can, which the compiler sees to:
/// a read borrows the reader (RD-14).
///
/// ```compile_fail,E0499
/// # async fn twice(mut reader: chapter_06::StreamReader) {
/// let one = reader.readline();
/// let other = reader.read(1);
/// # chapter_04::race(one, other).await;
/// # }
/// ```
///
/// What is kept is bounded by [`StreamLimits`](crate::StreamLimits): above it the transport is
/// paused, and the peer feels that nobody reads. After 64 reads in a row that did not have to wait,
/// the task gives way to others.
///
/// After a loss, what has come before can be read, and then comes the error (D-20).
pub struct StreamReader {
    stream: Rc<Stream>,
    transport: Rc<dyn Transport>,
}

impl StreamReader {
    pub(crate) fn new(stream: Rc<Stream>, transport: Rc<dyn Transport>) -> StreamReader {
        StreamReader { stream, transport }
    }

    /// Reads what is there, or waits until something is: at most `max` bytes. No bytes mean the end
    /// of file, unless `max` is zero (RD-01).
    ///
    /// # Errors
    ///
    /// [`ReadError::Lost`], when nothing is left that came before.
    pub async fn read(&mut self, max: usize) -> ReadResult {
        self.wait_for(|inbox| inbox.try_read(max)).await
    }

    /// Reads everything until the end of file, without a limit (RD-01). Given up, it has taken
    /// nothing: all that has come is still there.
    ///
    /// # Errors
    ///
    /// [`ReadError::Lost`]; what has come is still there.
    #[doc(alias = "read(-1)")]
    pub async fn read_to_end(&mut self) -> ReadResult {
        self.wait_for(Inbox::try_read_to_end).await
    }

    /// Reads exactly `count` bytes, which may be more than the limits (RD-02).
    ///
    /// # Errors
    ///
    /// [`ReadError::Incomplete`] with all that was left at the end of file; [`ReadError::Lost`], and
    /// what has come is still there.
    pub async fn readexactly(&mut self, count: usize) -> ReadResult {
        self.wait_for(|inbox| inbox.try_read_exactly(count)).await
    }

    /// Reads up to the separator, and with it (RD-04).
    ///
    /// # Errors
    ///
    /// [`ReadError::LimitOverrun`], and nothing is taken; [`ReadError::Incomplete`] with all that was
    /// left at the end of file; [`ReadError::Lost`], and what has come is still there;
    /// [`ReadError::EmptySeparator`].
    pub async fn readuntil(&mut self, separator: &[u8]) -> ReadResult {
        self.readuntil_any(&[separator]).await
    }

    /// Reads up to the first of some separators, and with it: the one that ends first, and of those
    /// that end together the shortest (RD-08).
    ///
    /// # Errors
    ///
    /// As [`readuntil`](StreamReader::readuntil); [`ReadError::EmptySeparator`] also where there is
    /// none.
    pub async fn readuntil_any(&mut self, separators: &[&[u8]]) -> ReadResult {
        let mut search = Search::new(separators).ok_or(ReadError::EmptySeparator)?;
        self.wait_for(|inbox| inbox.try_read_until(&mut search)).await
    }

    /// Reads a line, with its `\n`. Only the last one may have none, and no bytes mean the end of
    /// file (RD-03).
    ///
    /// # Errors
    ///
    /// [`ReadError::LineTooLong`], and the next read begins with the next line (RD-07, D-38);
    /// [`ReadError::Lost`], and what has come of the last line is still there.
    pub async fn readline(&mut self) -> ReadResult {
        let mut newline = Search::newline();
        self.wait_for(|inbox| inbox.try_readline(&mut newline)).await
    }

    /// The lines, one after the other, until the end of file (RD-18).
    ///
    /// ```
    /// # async fn print(mut reader: chapter_06::StreamReader) -> Result<(), chapter_06::ReadError> {
    /// let mut lines = reader.lines();
    /// while let Some(line) = lines.next().await? {
    ///     print!("{}", String::from_utf8_lossy(&line));
    /// }
    /// # Ok(()) }
    /// ```
    #[doc(alias = "__aiter__")]
    pub fn lines(&mut self) -> Lines<'_> {
        Lines { reader: self }
    }

    /// Whether the end of file was reached and everything is read (RD-17).
    pub fn at_eof(&self) -> bool {
        self.stream.inbox().borrow().at_eof()
    }

    /// Tries until the bytes that are there are enough.
    #[inline]
    async fn wait_for<T>(&mut self, mut attempt: impl FnMut(&mut Inbox) -> Option<T>) -> T {
        let mut gave_way = GaveWay::default();
        poll_fn(|context| self.poll_for(&mut gave_way, context, &mut attempt)).await
    }

    /// The one place where something is read.
    #[inline]
    fn poll_for<T>(
        &self,
        gave_way: &mut GaveWay,
        context: &mut Context<'_>,
        attempt: &mut impl FnMut(&mut Inbox) -> Option<T>,
    ) -> Poll<T> {
        if !self.stream.event_loop.may_go_on(gave_way, context) {
            return Poll::Pending;
        }
        let read = attempt(&mut self.stream.inbox().borrow_mut());
        if read.is_none() {
            self.stream.wait_for_arrival(context);
        }
        if self.stream.has_become_low() || read.is_none() && self.stream.takes_back_its_pause() {
            self.transport.resume_reading();
        }
        read.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A task may end with a reader, as one that has read the beginning.
impl Outcome for StreamReader {}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inbox = self.stream.inbox().borrow();
        f.debug_struct("StreamReader")
            .field("kept", &inbox.kept())
            .field("at_eof", &inbox.at_eof())
            .finish_non_exhaustive()
    }
}

/// The lines of a [`StreamReader`]. What an `async for` of Python asks for is
/// [`next`](Lines::next); the trait for it is not in Rust's library yet.
#[derive(Debug)]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
}

impl Lines<'_> {
    /// The next line, with its `\n` if it has one; `None` at the end of file.
    ///
    /// # Errors
    ///
    /// As [`readline`](StreamReader::readline). After [`ReadError::LineTooLong`] the next line is to
    /// be had.
    #[doc(alias = "__anext__")]
    pub async fn next(&mut self) -> Result<Option<Chunk>, ReadError> {
        let line = self.reader.readline().await?;
        Ok((!line.is_empty()).then_some(line))
    }
}
