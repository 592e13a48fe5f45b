use serde_json::Value;

/// How many smaller scenarios are tried.
const TRIALS_MAX: usize = 200;

/// Takes away steps and reactions for as long as what is left is wrong as well.
pub(crate) fn shrink(mut scenario: Value, is_wrong: impl Fn(&Value) -> bool) -> Value {
    let mut trials = 0;
    'again: loop {
        for place in places(&scenario) {
            trials += 1;
            if trials > TRIALS_MAX {
                return scenario;
            }
            let mut smaller = scenario.clone();
            remove(&mut smaller, &place);
            if is_wrong(&smaller) {
                scenario = smaller;
                continue 'again;
            }
        }
        return scenario;
    }
}

/// Where something can be taken away: a list by its pointer, and the item of it.
fn places(scenario: &Value) -> Vec<(String, usize)> {
    let callbacks = scenario["on"].as_object().into_iter().flatten();
    let lists = callbacks.map(|(callback, _)| format!("/on/{callback}"));
    let lists = lists.chain(["/do".to_owned()]);
    let items = |list: String| {
        let length = scenario.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len);
        (0..length).map(move |item| (list.clone(), item))
    };
    lists.flat_map(items).collect()
}

fn remove(scenario: &mut Value, (list, item): &(String, usize)) {
    if let Some(list) = scenario.pointer_mut(list).and_then(Value::as_array_mut) {
        list.remove(*item);
    }
}

#[test]
fn what_is_left_is_what_matters() {
    let scenario = serde_json::json!({
        "on": {"data": [["q"], ["close"]], "keep_open": true},
        "do": [["settle"], ["write", 1], ["settle"]],
    });
    let is_wrong = |scenario: &Value| {
        let text = scenario.to_string();
        text.contains("close") && text.contains("write")
    };
    let expected =
        serde_json::json!({"on": {"data": [["close"]], "keep_open": true}, "do": [["write", 1]]});
    assert_eq!(shrink(scenario, is_wrong), expected);
}
