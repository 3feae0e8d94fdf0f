// The host's settings as `opts`, read from the hidden text box that the Settings tab keeps.

var opts = {};

function watchOptions(textarea) {
    const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
    Object.defineProperty(textarea, "value", {
        get: () => value.get.call(textarea),
        set: (text) => {
            const changed = value.get.call(textarea) !== text;
            value.set.call(textarea, text);
            if (changed) {
                opts = JSON.parse(text);
            }
            executeCallbacks(uiCallbacks.optionsChanged);
        },
    });
}

onAfterUiUpdate(() => {
    const textarea = gradioApp().querySelector("#settings_json textarea");
    if (Object.keys(opts).length > 0 || !textarea?.value) {
        return;
    }
    opts = JSON.parse(textarea.value);
    executeCallbacks(uiCallbacks.optionsAvailable);
    executeCallbacks(uiCallbacks.optionsChanged);
    watchOptions(textarea);
});
