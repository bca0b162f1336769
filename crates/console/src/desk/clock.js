"use strict";
// The desk's clock: twice a second.
setInterval(() => postMessage(0), 500);
