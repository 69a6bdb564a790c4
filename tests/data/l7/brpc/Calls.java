import com.baidu.brpc.client.*;
import com.baidu.brpc.server.*;
import com.baidu.brpc.protocol.*;
import com.baidu.brpc.protocol.Options.ProtocolType;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;

/** One server, and the calls whose packets are recorded. */
public class Calls {
    public interface Echo { @BrpcMeta(serviceName = "shop.Echo", methodName = "Say") FileDescriptorProto say(FileDescriptorProto words); @BrpcMeta(serviceName = "shop.Echo", methodName = "Fail") FileDescriptorProto fail(FileDescriptorProto words); }
    public interface Other { @BrpcMeta(serviceName = "shop.Echo", methodName = "Missing") FileDescriptorProto missing(FileDescriptorProto words); }
    public static class Server implements Echo {
        public FileDescriptorProto say(FileDescriptorProto words) { return words; }
        public FileDescriptorProto fail(FileDescriptorProto words) { throw new IllegalStateException("no " + words.getName()); }
    }
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        RpcServerOptions so = new RpcServerOptions(); so.setProtocolType(ProtocolType.PROTOCOL_BAIDU_STD_VALUE);
        RpcServer server = new RpcServer("127.0.0.1", port, so); server.registerService(new Server()); server.start();
        RpcClientOptions o = new RpcClientOptions(); o.setProtocolType(ProtocolType.PROTOCOL_BAIDU_STD_VALUE); o.setReadTimeoutMillis(1000); o.setMaxTryTimes(1);
        RpcClient client = new RpcClient("list://127.0.0.1:" + port, o);
        Echo echo = BrpcProxy.getProxy(client, Echo.class);
        // A message that the protobuf library itself brings.
        FileDescriptorProto words = FileDescriptorProto.newBuilder().setName("table").build();
        echo.say(words);
        com.baidu.brpc.RpcContext.getContext().setLogId(77L);
        echo.say(words);
        words = FileDescriptorProto.newBuilder().setName(new String(new char[9000]).replace('\0', 'x')).build();
        echo.say(words);
        words = FileDescriptorProto.newBuilder().setName("bread").build();
        try { echo.fail(words); } catch (Exception e) { System.err.println("as it should: " + e); }
        RpcClient second = new RpcClient("list://127.0.0.1:" + port, o);
        try { Other other = BrpcProxy.getProxy(second, Other.class); other.missing(words); } catch (Exception e) { System.err.println("as it should: " + e); }
        Thread.sleep(300);
        System.exit(0);
    }
}
