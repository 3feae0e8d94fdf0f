// The host's settings as `opts`, read from the hidden text box that the Settings tab keeps.

var opts = {};

function readOptions(text) {
    if (!text) {
        return;
    }
    const first = Object.keys(opts).length === 0;
    opts = JSON.parse(text);
    if (first) {
        executeCallbacks(uiCallbacks.optionsAvailable);
    }
    executeCallbacks(uiCallbacks.optionsChanged);
}

// Gradio sets the text box's value without changing the document, so its setter is watched.
let optionsWatched = false;
onUiUpdate(() => {
    const textarea = optionsWatched ? null : gradioApp().querySelector("#settings_json textarea");
    if (!textarea) {
        return;
    }
    optionsWatched = true;
    const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
    Object.defineProperty(textarea, "value", {
        get: () => value.get.call(textarea),
        set: (text) => {
            value.set.call(textarea, text);
            readOptions(text);
        },
    });
    readOptions(textarea.value);
});
