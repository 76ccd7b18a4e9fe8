// A CloudFront Function (JavaScript runtime 2.0) at the viewer's request. Under /operators the site has the whole API for who
// has a token; the API itself knows nothing of that prefix.
function handler(event) {
    const request = event.request;
    request.uri = request.uri.replace(/^\/operators(?=\/)/, "");
    return request;
}
