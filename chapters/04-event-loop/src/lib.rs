//! Chapter 04: an event loop, and the futures and tasks that it runs.
//!
//! From chapter 03: the selector that the loop waits with. From chapter 02: sockets that may say
//! "not yet" ([`TryIo`](chapter_02::TryIo)). From chapter 01: the listening socket.
//!
//! New here, from the bottom up:
//! - [`EventLoop`]: ready queue, timers, and one wait for the kernel in each pass; asked through
//!   [`LoopHandle`], and from other threads through [`Remote`];
//! - [`FutureCell`]: the place of a value that is not there yet;
//! - [`spawn`] and [`JoinHandle`]: tasks, which are futures that the loop polls when they are woken;
//! - [`sleep`], [`timeout`], [`race`], [`join_all`], [`shield`], [`task_group`]: futures made of
//!   futures;
//! - [`AsyncSocket`]: sockets whose operations are awaited; [`serve`]: a task for each client;
//! - [`ObservedSocket`]: sockets that tell an observer, for what chapter 05 builds;
//! - [`Pool`] and [`Resolver`]: what blocks, on threads of its own;
//! - [`run`]: a loop from beginning to end.
//!
//! Still wrong: a handler holds a socket and a buffer, and knows which kind of socket it is. What it
//! says with them cannot be put on top of anything else, such as a cipher. Chapter 05 parts the two.

// The loop: `loop_core` is the heart of the chapter.
mod clock;
mod contained;
mod event_loop;
mod handle;
mod loop_core;
mod loop_error;
mod loop_handle;
mod remote;
mod report;
mod running;
mod timers;

// Values that are not there yet, and tasks that wait for them.
mod future_cell;
mod join_handle;
mod outcome;
mod sleep;
mod task;

// Futures made of futures.
mod group_child;
mod group_error;
mod join_all;
mod race;
mod shield;
mod task_group;
mod timeout;
mod wait;
mod woken_set;

// Sockets: `reactor` makes wake-ups of what the selector reports.
mod async_socket;
mod connect;
mod datagram;
mod observed;
mod reactor;
mod readers;
mod received;
mod send_file;
mod waiters;

// Threads, names and signals.
mod executor;
mod names;
mod pool;
mod resolver;
mod signal_arrival;
mod signals;
mod subscription;

// A program from beginning to end.
mod accept_all;
mod clients;
mod run;
mod serve;

pub mod fake;

pub use accept_all::accept_all;
pub use async_socket::{AsyncSocket, RECEIVE_MAX};
pub use clock::{Clock, VirtualClock};
pub use contained::{contained, contained_text};
pub use event_loop::EventLoop;
pub use future_cell::{AlreadyDone, DoneCallback, FutureCell, FutureError, Waiting};
pub use group_child::Child;
pub use group_error::{Failure, GroupError};
pub use handle::Handle;
pub use join_all::{join_all, try_join_all};
pub use join_handle::{JoinError, JoinHandle};
pub use loop_core::{GaveWay, OPERATIONS_MAX, PASS_BUDGET, SLOW};
pub use loop_error::LoopError;
pub use loop_handle::{Census, LoopHandle};
pub use observed::{ObservedSocket, Observer, TURN_MAX};
pub use outcome::Outcome;
pub use pool::{Closed, Job, JobError, Pool};
pub use race::{Either, race};
pub use received::Received;
pub use remote::{LoopClosed, Remote};
pub use report::{ErrorContext, Subject};
pub use resolver::{Family, LOOKUPS_MAX, ResolveError, Resolver};
pub use run::{POOL_GRACE, Runner, run, run_with};
pub use running::{NoRunningLoop, running_loop};
pub use serve::{echo_client, serve, serve_until};
pub use shield::shield;
pub use signal_hook::consts::signal;
pub use sleep::{Sleep, YieldNow, sleep, sleep_until, yield_now};
pub use task::spawn;
pub use task_group::{TaskGroup, task_group};
pub use timeout::{Elapsed, timeout, timeout_at};
pub use wait::wait_first;
