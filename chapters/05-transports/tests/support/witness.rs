//! A protocol that writes down what it is told, and does what a test wants.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_04::yield_now;
use chapter_05::{
    AfterEof, BaseProtocol, BufferedProtocol, CallbackResult, ConnectionError, Protocol, Transport,
};
use std::cell::RefCell;
use std::rc::Rc;

/// What a protocol was told, line by line. Clones share the lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    lines: Rc<RefCell<Vec<String>>>,
    received: Rc<RefCell<Vec<u8>>>,
}

impl Story {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// What was written down since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        self.lines.take()
    }

    pub(crate) fn received(&self) -> Vec<u8> {
        self.received.borrow().clone()
    }

    /// Waits for a line that begins like this.
    pub(crate) async fn until(&self, beginning: &str) {
        while !self.lines.borrow().iter().any(|line| line.starts_with(beginning)) {
            yield_now().await;
        }
    }

    /// Waits for so many bytes.
    pub(crate) async fn until_received(&self, count: usize) {
        while self.received.borrow().len() < count {
            yield_now().await;
        }
    }
}

/// What a protocol is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    Made,
    Data(&'a [u8]),
    Eof,
    Pause,
    Resume,
    Lost,
}

type Act = dyn FnMut(Told<'_>, &Rc<dyn Transport>) -> CallbackResult;

/// A protocol of either kind.
pub(crate) struct Witness {
    pub(crate) story: Story,
    act: Box<Act>,
    after_eof: AfterEof,
    buffer: Vec<u8>,
    /// The circle that most protocols make.
    transport: Option<Rc<dyn Transport>>,
    keeps: bool,
}

impl Witness {
    /// One that does nothing but write.
    pub(crate) fn new(story: &Story) -> Witness {
        Witness {
            story: story.clone(),
            act: Box::new(|_, _| Ok(())),
            after_eof: AfterEof::Close,
            buffer: vec![0; 4],
            transport: None,
            keeps: false,
        }
    }

    /// Does this in each callback, after it has written it down. What fails in one that cannot, is a
    /// panic.
    pub(crate) fn acts(
        self,
        act: impl FnMut(Told<'_>, &Rc<dyn Transport>) -> CallbackResult + 'static,
    ) -> Witness {
        Witness { act: Box::new(act), ..self }
    }

    pub(crate) fn keeps_open(self) -> Witness {
        Witness { after_eof: AfterEof::KeepOpen, ..self }
    }

    /// Keeps a clone of its transport.
    pub(crate) fn keeps_transport(self) -> Witness {
        Witness { keeps: true, ..self }
    }

    /// What it receives in place into.
    pub(crate) fn with_buffer(self, length: usize) -> Witness {
        Witness { buffer: vec![0; length], ..self }
    }

    fn told(&mut self, told: Told<'_>, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.story.add(match told {
            Told::Made => "made".to_owned(),
            Told::Data(data) if data.len() > 40 => format!("data of {}", data.len()),
            Told::Data(data) => format!("data {}", data.escape_ascii()),
            Told::Eof => "eof".to_owned(),
            Told::Pause => format!("pause at {}", transport.write_buffer_size()),
            Told::Resume => format!("resume at {}", transport.write_buffer_size()),
            Told::Lost => return (self.act)(told, transport),
        });
        if let Told::Data(data) = told {
            self.story.received.borrow_mut().extend_from_slice(data);
        }
        (self.act)(told, transport)
    }
}

impl BaseProtocol for Witness {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.transport = self.keeps.then(|| Rc::clone(transport));
        self.told(Told::Made, transport)
    }

    fn connection_lost(&mut self, transport: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.story.add(match &error {
            None => "lost".to_owned(),
            Some(ConnectionError::Io(error)) => format!("lost: {:?}", error.kind()),
            Some(error) => format!("lost: {error}"),
        });
        self.told(Told::Lost, transport).unwrap();
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.told(Told::Pause, transport).unwrap();
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.told(Told::Resume, transport).unwrap();
    }

    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.told(Told::Eof, transport)?;
        Ok(self.after_eof)
    }
}

impl Protocol for Witness {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.told(Told::Data(data), transport)
    }
}

impl BufferedProtocol for Witness {
    fn get_buffer(&mut self, _: usize) -> &mut [u8] {
        &mut self.buffer
    }

    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        let data = self.buffer[..count].to_vec();
        self.told(Told::Data(&data), transport)
    }
}
