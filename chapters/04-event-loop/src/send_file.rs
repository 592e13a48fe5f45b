use crate::async_socket::{AsyncSocket, try_send};
use crate::loop_handle::LoopHandle;
use crate::reactor::Direction;
use chapter_02::{TryIo, answer};
use chapter_03::Readiness;
use socket2::{Socket, Type};
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

/// How much of a file one operation sends, at most. The kernel would go on as long as the peer
/// takes it, and everybody else would wait.
const BLOCK: u64 = 256 * 1024;

impl AsyncSocket {
    /// Sends a part of a file: `count` bytes (`None`: all of them) from `offset` on, or as many as
    /// there are. Gives the number of bytes.
    ///
    /// The kernel copies them from the file to the socket, without a detour through this process,
    /// where it can; else they are read and sent. Wherever the file's position was, it ends after
    /// the last byte that was sent, also if the operation fails or is dropped (SF-01). Nothing else
    /// may use the position meanwhile.
    ///
    /// The kernel may have to wait for the disk, and the loop with it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the socket is not a stream, the offset is out of the range of files, or the
    /// count is zero; else those of `sendfile(2)`, `pread(2)` and `send(2)`: the file cannot be
    /// read, the connection is lost (SF-03).
    #[doc(alias = "sock_sendfile")]
    pub async fn send_file(&self, file: &File, offset: u64, count: Option<u64>) -> io::Result<u64> {
        check(self.as_socket().r#type()? == Type::STREAM, offset, count)?;
        let mut part = Part::new(file, offset, count);
        if !self.send_by_kernel(&mut part).await? {
            self.send_by_copy(&mut part).await?;
        }
        Ok(part.sent())
    }

    /// `false`: the kernel does not do this for this file, and nothing was sent.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    async fn send_by_kernel(&self, part: &mut Part<'_>) -> io::Result<bool> {
        while part.room() > 0 {
            let (file, at, room) = (part.file, part.at, part.room());
            let sent = self.operation(Direction::Write, |socket, readiness| {
                copy(socket, readiness, file, at, room)
            });
            match sent.await {
                Ok(0) => break,
                Ok(count) => part.at += count,
                Err(error) if part.sent() == 0 && is_unsupported(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    async fn send_by_kernel(&self, _: &mut Part<'_>) -> io::Result<bool> {
        Ok(false)
    }
}

impl<S: TryIo> AsyncSocket<S> {
    /// Reads the part, block after block, on a thread of the executor, for a read of a file waits
    /// for the disk however the file was opened; and sends what was read.
    async fn send_by_copy(&self, part: &mut Part<'_>) -> io::Result<()> {
        let file = Arc::new(part.file.try_clone()?);
        let mut block = Vec::new();
        while part.room() > 0 {
            block = self.read_block(&file, block, part).await?;
            if block.is_empty() {
                break;
            }
            let mut left = &block[..];
            while !left.is_empty() {
                let count = self.send(left).await?;
                left = &left[count..];
                part.at += count as u64;
            }
        }
        Ok(())
    }

    /// Sends what the kernel takes at once, at least one byte.
    fn send(&self, bytes: &[u8]) -> impl Future<Output = io::Result<usize>> {
        self.operation(Direction::Write, move |socket, readiness| {
            let count = try_send(socket, readiness, bytes)?;
            Ok(if count > 0 { Poll::Ready(count) } else { Poll::Pending })
        })
    }

    async fn read_block(
        &self,
        file: &Arc<File>,
        mut block: Vec<u8>,
        part: &Part<'_>,
    ) -> io::Result<Vec<u8>> {
        let (file, at, room) = (Arc::clone(file), part.at, part.room());
        let job = LoopHandle::new(Rc::clone(&self.core)).run_in_executor(move || {
            block.resize(usize::try_from(room).expect("a block fits into memory"), 0);
            // A regular file has no "not yet".
            let Poll::Ready(count) = answer(|| file.read_at(&mut block, at))? else {
                return Err(ErrorKind::WouldBlock.into());
            };
            block.truncate(count);
            Ok(block)
        });
        job.map_err(io::Error::other)?.await.map_err(io::Error::other)?
    }
}

fn check(is_stream: bool, offset: u64, count: Option<u64>) -> io::Result<()> {
    let advice = if !is_stream {
        "only a stream takes a file: the socket is of another type"
    } else if i64::try_from(offset).is_err() {
        "no file is that long: the offset is out of range"
    } else if count == Some(0) {
        "the count is zero: give `None` to send the whole file"
    } else {
        return Ok(());
    };
    Err(io::Error::new(ErrorKind::InvalidInput, advice))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn copy(
    socket: &Socket,
    readiness: &mut Readiness,
    file: &File,
    mut at: u64,
    room: u64,
) -> io::Result<Poll<u64>> {
    let room = usize::try_from(room).expect("a block fits into memory");
    // Unlike a send, this cannot be told to raise no SIGPIPE. Rust programs ignore that signal.
    let sent = answer(|| Ok(rustix::fs::sendfile(socket, file, Some(&mut at), room)?))?;
    if sent.is_pending() {
        readiness.after_partial_send();
    }
    Ok(sent.map(|count| count as u64))
}

/// Not every file system, and not every file of `/proc`, can hand its pages over.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

/// The part of a file that is to be sent, and how far it is.
struct Part<'a> {
    file: &'a File,
    begin: u64,
    at: u64,
    end: u64,
}

impl Part<'_> {
    fn new(file: &File, offset: u64, count: Option<u64>) -> Part<'_> {
        let end = offset.saturating_add(count.unwrap_or(u64::MAX)).min(i64::MAX as u64);
        Part { file, begin: offset, at: offset, end }
    }

    /// What the next operation may send.
    fn room(&self) -> u64 {
        (self.end - self.at).min(BLOCK)
    }

    fn sent(&self) -> u64 {
        self.at - self.begin
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if self.sent() > 0 {
            // It was read at this place, so it can be put there.
            let _ = { self.file }.seek(SeekFrom::Start(self.at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::{Either, race};
    use crate::run::run;
    use crate::sleep::yield_now;
    use socket2::{Domain, Type};
    use std::io::{Read, Write};

    const BYTES: usize = 1_000_000;

    /// SF-02: the copy goes on from block to block and from part to part. Given up after any number
    /// of passes, it has sent what is before the file's position (SF-01).
    #[test]
    fn a_copy_says_how_far_it_came() {
        let bytes: Vec<u8> = (0..BYTES).map(|number| (number / 7) as u8).collect();
        for passes in (0..).map(|exponent| 1 << exponent) {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let (near, mut far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
            let receiver = std::thread::spawn(move || {
                let mut received = Vec::new();
                far.read_to_end(&mut received).map(|_| received).unwrap()
            });
            let other_handle = file.try_clone().unwrap();
            let copied = run(copy_for(near, other_handle, passes)).unwrap();
            let received = receiver.join().unwrap();
            let end = 10 + received.len();
            assert!(received == bytes[10..end]);
            let untouched = received.is_empty();
            assert_eq!(
                file.stream_position().unwrap() as usize,
                if untouched { BYTES } else { end }
            );
            if copied {
                assert_eq!(end, BYTES);
                break;
            }
        }
    }

    /// Whether it was done in time.
    async fn copy_for(near: Socket, file: File, passes: u32) -> bool {
        near.set_nonblocking(true).unwrap();
        let near = AsyncSocket::new(near).unwrap();
        let mut part = Part::new(&file, 10, None);
        let time = async {
            for _ in 0..passes {
                yield_now().await;
            }
        };
        matches!(race(near.send_by_copy(&mut part), time).await, Either::First(Ok(())))
    }
}
