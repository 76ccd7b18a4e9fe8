// A CloudFront Function (JavaScript runtime 2.0) at the viewer's request. Under /operators the site has the whole API for who
// has a token; the API itself knows nothing of that prefix.
//
// CloudFront chooses the behavior by the normalized path and sends the path as it was written
// (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html),
// so a path that could mean another one is answered here:
// dot segments, backslashes, control characters and slashes, plain or encoded, however often.
function handler(event) {
    const request = event.request;
    const path = request.uri;
    const below = path.startsWith("/operators/") ? path.slice("/operators".length) : "";
    if (below === "" || /\\|\/\/|%(?:2[ef5]|5c|[01][0-9a-f]|7f)|[\x00-\x1f\x7f]|\/\.{1,2}(?:\/|$)/i.test(below)) {
        return { statusCode: 404, statusDescription: "Not Found" };
    }
    request.uri = below;
    return request;
}
