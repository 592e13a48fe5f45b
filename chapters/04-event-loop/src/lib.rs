//! Chapter 04: an event loop, and the futures and tasks that it runs.
//!
//! From chapter 03: the selector that the loop waits with. From chapter 02: sockets that may say
//! "not yet" ([`TryIo`](chapter_02::TryIo)). From chapter 01: the listening socket.
//!
//! New here, from the bottom up:
//! - [`EventLoop`]: ready queue, timers, and one wait for the kernel in each pass;
//! - [`FutureCell`]: the place of a value that is not there yet;
//! - [`spawn`] and [`JoinHandle`]: tasks, which are futures that the loop polls when they are woken;
//! - [`sleep`], [`yield_now`]: waiting for a time and for the others;
//! - [`AsyncSocket`]: sockets whose operations are awaited;
//! - [`run`]: a loop from beginning to end.

mod accept_all;
mod async_socket;
mod clients;
mod clock;
mod connect;
mod contained;
mod datagram;
mod event_loop;
mod executor;
pub mod fake;
mod future_cell;
mod group_child;
mod group_error;
mod handle;
mod join_all;
mod join_handle;
mod loop_core;
mod loop_error;
mod loop_handle;
mod names;
mod outcome;
mod pool;
mod race;
mod reactor;
mod readers;
mod received;
mod remote;
mod report;
mod resolver;
mod run;
mod running;
mod send_file;
mod serve;
mod shield;
mod signal_arrival;
mod signals;
mod sleep;
mod subscription;
mod task;
mod task_group;
mod timeout;
mod timers;
mod wait;
mod waiters;
mod woken_set;

pub use async_socket::{AsyncSocket, RECEIVE_MAX};
pub use clock::{Clock, VirtualClock};
pub use event_loop::EventLoop;
pub use future_cell::{AlreadyDone, DoneCallback, FutureCell, FutureError, Waiting};
pub use group_child::Child;
pub use group_error::{Failure, GroupError};
pub use handle::Handle;
pub use join_all::{join_all, try_join_all};
pub use join_handle::{JoinError, JoinHandle};
pub use loop_core::{OPERATIONS_MAX, PASS_BUDGET, SLOW};
pub use loop_error::LoopError;
pub use loop_handle::{Census, LoopHandle};
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
