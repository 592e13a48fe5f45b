//! Task 3.1: `register`, `modify`, `unregister`.

use chapter_03::fake::{Call, FakeBackend};
use chapter_03::{Interest, Mode, Selector, Token};
use grading::{Story, Trial, Verdict};
use rustix::io::Errno;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::rc::Rc;

/// A selector over a back end that writes down what it is asked. Its sources are names.
struct Table {
    selector: Selector<Rc<String>, usize>,
    backend: FakeBackend,
}

impl Table {
    fn new() -> Table {
        let backend = FakeBackend::new(Mode::Level);
        Table { selector: Selector::with_backend(Box::new(backend.clone())), backend }
    }

    /// Registers a new source.
    fn register(
        &mut self,
        trial: &mut Trial,
        data: usize,
        interest: Interest,
    ) -> Result<(Token, Rc<String>), Box<Story>> {
        const WHY: &str = "The back end has watched the source: now it is the selector's.";
        let source = Rc::new(trial.random().word(3, 6));
        trial.did(format!("register({source:?}, {data}, {interest:?})"));
        match self.selector.register(Rc::clone(&source), data, interest) {
            Ok(token) => Ok((token, source)),
            Err(error) => Err(trial.fail("a token", error, WHY).expect_err("a failure is one")),
        }
    }

    fn names(&self, token: Token) -> Option<(String, usize)> {
        self.selector.get(token).map(|(source, data)| (String::clone(source), *data))
    }

    /// What the back end was asked since the last time.
    fn asked(&self, trial: &Trial, expected: &[Call], why: &str) -> Verdict {
        trial.expect("calls of the back end", &expected.to_vec(), &self.backend.take_calls(), why)
    }
}

fn found(trial: &Trial, table: &Table, token: Token, source: &str, data: usize) -> Verdict {
    trial.expect(
        &format!("get() with the token of {source:?}"),
        &Some((source.to_owned(), data)),
        &table.names(token),
        "A token leads to its source and to what its user wants to find with it.",
    )
}

pub(crate) fn an_old_token_names_nothing(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A place in a table is used again, and a report or a clean-up may come late. \
                       Only a token that is never given twice tells that its source is gone; any \
                       other one speaks of the wrong source.";
    let mut table = Table::new();
    let mut live: Vec<(Token, Rc<String>, usize)> = Vec::new();
    let mut given = HashSet::new();
    for data in 0..trial.random().between(2, 4) {
        let (token, source) = table.register(trial, data, Interest::READ)?;
        given.insert(token);
        live.push((token, source, data));
    }
    for (token, source, data) in &live {
        found(trial, &table, *token, source, *data)?;
    }
    for data in 10..20 {
        let (old, source, its) = live.swap_remove(trial.random().between(0, live.len() - 1));
        trial.did(format!("unregister(the token of {source:?})"));
        let came = table.selector.unregister(old).map(|(source, data)| (source, data));
        let came = came.map_err(|error| error.kind());
        trial.expect("what is given back", &Ok((Rc::clone(&source), its)), &came, WHY)?;
        let (token, new) = table.register(trial, data, Interest::READ)?;
        let what = format!("get() with the old token of {source:?}");
        trial.expect(&what, &None, &table.names(old), WHY)?;
        trial.ensure(given.insert(token), "a token that was never given", "an old one", WHY)?;
        let came = table.selector.modify(old, Interest::BOTH).map_err(|error| error.kind());
        let what = format!("modify() with the old token of {source:?}");
        trial.expect(&what, &Err(ErrorKind::NotFound), &came, WHY)?;
        let came = table.selector.unregister(old).map(|_| ()).map_err(|error| error.kind());
        let what = format!("unregister() with the old token of {source:?}");
        trial.expect(&what, &Err(ErrorKind::NotFound), &came, WHY)?;
        live.push((token, new, data));
        for (token, source, data) in &live {
            found(trial, &table, *token, source, *data)?;
        }
    }
    Ok(())
}

pub(crate) fn the_kernel_knows_whom_something_is_wanted_of(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A kernel reports a hang-up of whatever it watches, asked or not, and over a \
                       level again and again. So it must not know a source of which nothing is \
                       wanted, and none that was given back.";
    let mut table = Table::new();
    let first = *trial.random().choice(&[Interest::READ, Interest::WRITE]);
    let (token, source) = table.register(trial, 1, first)?;
    table.asked(trial, &[Call::Add(0, first)], WHY)?;
    let steps = [
        (Interest::BOTH, Some(Call::Modify(0, Interest::BOTH))),
        (Interest::NONE, Some(Call::Remove)),
        (Interest::NONE, None),
        (first, Some(Call::Add(0, first))),
        (Interest::NONE, Some(Call::Remove)),
    ];
    for (interest, call) in steps {
        trial.did(format!("modify(the token of {source:?}, {interest:?})"));
        let came = table.selector.modify(token, interest).map_err(|error| error.kind());
        trial.expect("modify()", &Ok(()), &came, WHY)?;
        table.asked(trial, call.as_slice(), WHY)?;
        found(trial, &table, token, &source, 1)?;
    }
    let (other, name) = table.register(trial, 2, Interest::NONE)?;
    table.asked(trial, &[], WHY)?;
    found(trial, &table, other, &name, 2)?;
    let (last, its) = table.register(trial, 3, first)?;
    table.asked(trial, &[Call::Add(1, first)], WHY)?;
    for (token, source, expected) in
        [(token, source, None), (other, name, None), (last, its, Some(Call::Remove))]
    {
        trial.did(format!("unregister(the token of {source:?})"));
        let came = table.selector.unregister(token).is_ok();
        trial.expect("the source is given back", &true, &came, WHY)?;
        table.asked(trial, expected.as_slice(), WHY)?;
    }
    Ok(())
}

pub(crate) fn what_the_kernel_refuses_changes_nothing(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A kernel may refuse: the descriptor is watched already, or no memory is \
                       left. What the selector believes must then be what the kernel knows.";
    let mut table = Table::new();
    let (token, source) = table.register(trial, 1, Interest::READ)?;
    let refused = Rc::new(trial.random().word(3, 6));
    trial.did(format!("register({refused:?}, 2, READ), which the back end refuses"));
    table.backend.fail_next(Errno::EXIST.into());
    let came = table.selector.register(Rc::clone(&refused), 2, Interest::READ).is_err();
    trial.expect("register() is an error", &true, &came, WHY)?;
    trial.expect("len()", &1, &table.selector.len(), WHY)?;
    trial.expect("the refused source is dropped", &1, &Rc::strong_count(&refused), WHY)?;
    found(trial, &table, token, &source, 1)?;

    trial.did(format!("modify(the token of {source:?}, NONE), which the back end refuses"));
    table.backend.fail_next(Errno::NOMEM.into());
    let came = table.selector.modify(token, Interest::NONE).is_err();
    trial.expect("modify() is an error", &true, &came, WHY)?;
    table.backend.take_calls();
    trial.did(format!("modify(the token of {source:?}, WRITE)"));
    let came = table.selector.modify(token, Interest::WRITE).is_ok();
    trial.expect("modify() is content", &true, &came, WHY)?;
    table.asked(trial, &[Call::Modify(0, Interest::WRITE)], WHY)?;

    let (other, name) = table.register(trial, 3, Interest::NONE)?;
    trial.did(format!("modify(the token of {name:?}, READ), which the back end refuses"));
    table.backend.fail_next(Errno::NOMEM.into());
    let came = table.selector.modify(other, Interest::READ).is_err();
    trial.expect("modify() is an error", &true, &came, WHY)?;
    table.backend.take_calls();
    trial.did(format!("unregister(the token of {name:?})"));
    let came = table.selector.unregister(other).is_ok();
    trial.expect("unregister() is content", &true, &came, WHY)?;
    table.asked(trial, &[], WHY)?;

    trial.did(format!("unregister(the token of {source:?}), which the back end refuses"));
    table.backend.fail_next(Errno::BADF.into());
    let came = table.selector.unregister(token).is_err();
    trial.expect("unregister() is an error", &true, &came, WHY)?;
    trial.expect("its source is dropped", &1, &Rc::strong_count(&source), WHY)?;
    trial.expect("len()", &0, &table.selector.len(), WHY)
}
